/* See members.h. */
#include "core/json/members.h"

bool json_read_members(json_scan *scan, json_members *list, json_span *object) {
  json_member unlisted;
  list->count = 0;
  if (!json_scan_enter(scan, JSON_OBJECT)) return false;
  *object = (json_span){.at = scan->at - 1, .type = JSON_OBJECT};
  for (;;) {
    bool room = list->count < JSON_MEMBERS_MAX;
    json_member *next = room ? &list->items[list->count] : &unlisted;
    if (!json_scan_member(scan, &next->key)) break;
    if (!json_scan_value(scan, &next->value)) return false;
    if (room) list->count++;
  }

  object->size = (size_t)(scan->at - object->at);

  return !scan->error;
}
