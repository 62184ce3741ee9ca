/* What DynamoDB says about items: the type tags of its JSON, and its limits.
 * Memory: none. */
#ifndef WEIR_CORE_AWS_DYNAMODB_ITEM_H
#define WEIR_CORE_AWS_DYNAMODB_ITEM_H

#include "core/json/scan.h"

enum {
  DYNAMODB_ITEM_BYTES = 400 * 1024,
  DYNAMODB_NAME_BYTES = 65535,
  DYNAMODB_DEPTH = 32,          /* documents and lists within each other */
  DYNAMODB_CONTAINER_BYTES = 3, /* counted for each list and map */
  DYNAMODB_ELEMENT_BYTES = 1,   /* counted for each of their elements */
};

typedef enum {
  DYNAMODB_S,
  DYNAMODB_N,
  DYNAMODB_B,
  DYNAMODB_BOOL,
  DYNAMODB_NULL,
  DYNAMODB_M,
  DYNAMODB_L,
  DYNAMODB_SS,
  DYNAMODB_NS,
  DYNAMODB_BS,
  DYNAMODB_UNKNOWN,
} dynamodb_type;

/* The type that a tag names. */
dynamodb_type dynamodb_item_type_of(json_span tag);

/* The JSON type that must follow the tag. */
bool dynamodb_item_type_holds(dynamodb_type type, json_type value);

/* Reads a whole attribute value in the very form that DynamoDB writes most of them, {"S":"…"} or
 * {"N":"…"} without blanks or escapes and in ASCII. False, with nothing read, for any other form:
 * that is for json_scan to judge. */
bool dynamodb_item_read_compact(json_scan *scan, dynamodb_type *type, json_span *value);

#endif
