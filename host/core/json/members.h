/* The members of one JSON object, listed while it is read: who looks at an object more than once
 * reads its text only once.
 * Memory: a list is the caller's; its spans point into the text. */
#ifndef WEIR_CORE_JSON_MEMBERS_H
#define WEIR_CORE_JSON_MEMBERS_H

#include "core/json/scan.h"

/* One more than a record has fields (SCHEMA_MAX_FIELDS). A full list therefore holds a member that
 * is unknown or given twice, and a caller that refuses those needs no longer list. */
enum { JSON_MEMBERS_MAX = 65 };

typedef struct {
  json_span key;
  json_span value;
} json_member;

typedef struct {
  size_t count;
  json_member items[JSON_MEMBERS_MAX];
} json_members;

/* Reads the object that comes next and lists its members, in their order. Members beyond the
 * room of the list are checked like all others, but not listed. */
bool json_read_members(json_scan *scan, json_members *list, json_span *object);

#endif
