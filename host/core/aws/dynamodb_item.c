/* See dynamodb_item.h. */
#include "core/aws/dynamodb_item.h"

#include <string.h>

#include "core/json/block.h"

static dynamodb_type escaped_type(json_span tag) {
  static const char *const names[] = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"};
  for (int type = 0; type < DYNAMODB_UNKNOWN; type++)
    if (json_string_equals(tag, names[type], strlen(names[type]))) return (dynamodb_type)type;
  return DYNAMODB_UNKNOWN;
}

dynamodb_type dynamodb_item_type_of(json_span tag) {
  if (tag.escaped) return escaped_type(tag);
  if (tag.size == 1) {
    switch (tag.at[0]) {
    case 'S': return DYNAMODB_S;
    case 'N': return DYNAMODB_N;
    case 'B': return DYNAMODB_B;
    case 'M': return DYNAMODB_M;
    case 'L': return DYNAMODB_L;
    default: return DYNAMODB_UNKNOWN;
    }
  }

  if (tag.size == 2 && tag.at[1] == 'S') {
    switch (tag.at[0]) {
    case 'S': return DYNAMODB_SS;
    case 'N': return DYNAMODB_NS;
    case 'B': return DYNAMODB_BS;
    default: return DYNAMODB_UNKNOWN;
    }
  }

  if (tag.size == 4 && memcmp(tag.at, "BOOL", 4) == 0) return DYNAMODB_BOOL;
  if (tag.size == 4 && memcmp(tag.at, "NULL", 4) == 0) return DYNAMODB_NULL;

  return DYNAMODB_UNKNOWN;
}

bool dynamodb_item_type_holds(dynamodb_type type, json_type value) {
  switch (type) {
  case DYNAMODB_S:
  case DYNAMODB_N:
  case DYNAMODB_B: return value == JSON_STRING;
  case DYNAMODB_BOOL: return value == JSON_TRUE || value == JSON_FALSE;
  case DYNAMODB_NULL: return value == JSON_TRUE;
  case DYNAMODB_M: return value == JSON_OBJECT;
  default: return value == JSON_ARRAY;
  }
}

bool dynamodb_item_read_compact(json_scan *scan, dynamodb_type *type, json_span *value) {
  enum { OPENING = sizeof "{\"S\":\"" - 1 };
  const char *at = scan->at;
  if (scan->end - at < OPENING || at[0] != '{' || at[1] != '"' || at[3] != '"' || at[4] != ':' ||
      at[5] != '"' || (at[2] != 'S' && at[2] != 'N'))
    return false;
  const char *text = at + OPENING, *end = json_plain_end(text, scan->end);
  if (scan->end - end < 2 || end[0] != '"' || end[1] != '}') return false;
  *type = at[2] == 'S' ? DYNAMODB_S : DYNAMODB_N;
  *value = (json_span){.at = text, .size = (size_t)(end - text), .type = JSON_STRING};
  scan->at = end + 2;

  return true;
}
