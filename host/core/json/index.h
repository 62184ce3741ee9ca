/* A whole JSON text checked and indexed at once, with vector instructions: the same strict reader
 * as scan.h, some two and a half times as fast, for who wants only a few values of a large text.
 *
 * It takes AVX-512, and the layer goes without; elsewhere nothing is indexed, and scan.h does all
 * the work. That is the reference too: what it refuses is never indexed, and what it accepts is,
 * but for texts that are rare: nested deeper than 60, or with a string, number or white space of
 * 448 bytes or more.
 *
 * Memory: an index owns `words`; release with json_index_free. It is kept from text to text. */
#ifndef WEIR_CORE_JSON_INDEX_H
#define WEIR_CORE_JSON_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json/scan.h"

/* One bit for each byte of the text; true from the outermost bracket on, and none is set inside
 * strings. */
typedef struct {
  uint64_t *colons, *opens, *closes;
  uint64_t *words; /* the block that holds them */
  size_t room;     /* words of each that fit */
  bool plain;      /* there is no backslash in the text */
} json_index;

/* True when the text is one object or array and is valid. False says nothing: then scan it. */
bool json_index_text(json_index *index, const char *text, size_t size);

/* Passes the container that the scanner of an indexed text stands on. */
void json_index_pass(const json_index *index, json_scan *scan);

/* Which names are wanted. A name that is not may look as if it were. */
typedef struct {
  uint64_t ends;  /* json_names_end of each */
  uint64_t sizes; /* bit n: one has n bytes (bit 63: 63 or more) */
} json_names;

/* The bit of a name by its last two bytes. In a text a quote stands before a name of one byte. */
static inline uint64_t json_names_end(char last_but_one, char last) {
  uint32_t end = (uint32_t)(uint8_t)last << 8 | (uint8_t)last_but_one;
  return (uint64_t)1 << (end * 0x9e3779b1u >> 26);
}

/* Passes the members of the object that the scanner stands in, up to the next one whose name may
 * be wanted: json_scan_member reads it, or the end of the object. False, and nothing is passed,
 * at a name that is written with escapes. */
bool json_index_seek(const json_index *index, json_scan *scan, json_names names);

void json_index_free(json_index *index);

#endif
