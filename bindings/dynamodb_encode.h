/* A Lua table as DynamoDB's JSON. Memory: writes into the caller's buffer. */
#ifndef WEIR_DYNAMODB_ENCODE_H
#define WEIR_DYNAMODB_ENCODE_H

#include "dynamodb_value.h"

enum { DYNAMODB_PLACE_SHOWN = 200 };

typedef struct {
  size_t bytes; /* by DynamoDB's rules */
  bool secret;  /* a part was a secret, so the text is one too */
  dynamodb_value_error error;
  char where[DYNAMODB_PLACE_SHOWN]; /* of the error: ".owner.tags[3]" */
} dynamodb_encoded;

/* Begins the buffer and writes the item at index into it. What cannot be encoded is an error.
 * Raises when memory is short; keep the buffer where the collector frees it. */
dynamodb_encoded dynamodb_encode_item(lua_State *L, int index, text_buffer *out);

#endif
