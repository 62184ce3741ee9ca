/* A policy set out of texts, without a directory. Memory: the files point to the caller's texts. */
#ifndef WEIR_TESTS_POLICY_TEXT_H
#define WEIR_TESTS_POLICY_TEXT_H

#include <stdio.h>
#include <string.h>

#include "policy/sandbox.h"

enum { POLICY_TEXTS_MAX = 4 };

typedef struct {
  policy_files files;
  policy_file items[POLICY_TEXTS_MAX];
  char paths[POLICY_TEXTS_MAX][8];
} policy_texts;

static inline void policy_texts_set(policy_texts *set, char **texts, size_t count) {
  static char directory[] = "policies";
  memset(set, 0, sizeof *set);
  for (size_t i = 0; i < count; i++) {
    snprintf(set->paths[i], sizeof set->paths[i], "p%zu.lua", i);
    set->items[i] = (policy_file){
        .path = set->paths[i], .shown = set->paths[i], .text = texts[i], .size = strlen(texts[i])};
    memset(set->items[i].digest, 'd', sizeof set->items[i].digest - 1);
  }
  set->files = (policy_files){.directory = directory, .items = set->items, .count = count};
}

#endif
