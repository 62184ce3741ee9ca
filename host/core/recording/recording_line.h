/* What a decision line says. Memory: spans point into the text that was read. */
#ifndef WEIR_CORE_RECORDING_RECORDING_LINE_H
#define WEIR_CORE_RECORDING_RECORDING_LINE_H

#include "core/json/members.h"

typedef struct {
  json_span id; /* size 0 when absent; strings still escaped */
  json_span time;
  json_span kind;
  json_span params;     /* object */
  json_span overrides;  /* array of names, or absent */
  json_span facts;      /* object */
  json_span decision;   /* object */
  json_span because;    /* string */
  json_span schema;     /* string, of any object that has one; absent in other text */
  json_span record;     /* that object as a whole, freed of what a log puts around it */
  json_members members; /* of facts */
} recording_line;

#endif
