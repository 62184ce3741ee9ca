/* One pass over DynamoDB's JSON, shared by dynamodb_decode.c (values), dynamodb_reply.c (whole
 * items and replies) and dynamodb.c.
 *
 * A page repeats a few attribute names over and over, so the last name seen in each place of a
 * small table is kept as a Lua string: it is found again by its bytes, without hashing it. Maps
 * and lists are made at once as large as the last one at their depth.
 * Memory: points into the text, the Lua stack and the caller's scratch buffer. */
#ifndef WEIR_DYNAMODB_DECODER_H
#define WEIR_DYNAMODB_DECODER_H

#include "dynamodb_value.h"

enum { DYNAMODB_NAMES = 64, DYNAMODB_SECRETS = 16 };

typedef struct {
  const char *at; /* of the Lua string in the same place of the table of names */
  size_t size;
} dynamodb_name;

typedef struct {
  lua_State *L;
  json_scan scan;
  text_buffer *scratch;
  int names_index, array_metatable; /* on the Lua stack */
  dynamodb_name names[DYNAMODB_NAMES];
  int depth;
  int members[DYNAMODB_DEPTH + 1];  /* of the last map at each depth */
  int elements[DYNAMODB_DEPTH + 1]; /* of the last list at each depth */
  dynamodb_name secrets[DYNAMODB_SECRETS];
  int secret_count;
  dynamodb_value_error error;
} dynamodb_decoder;

/* Each pushes one thing, or answers false with the error or scan.error set; the stack is then left
 * as it is. */

/* A map of attributes: an item, a key, or what an M holds. Its values are all secrets, or those
 * with a name among the secrets. */
bool dynamodb_decode_push_map(dynamodb_decoder *d, bool secret);
void dynamodb_decode_push_string(dynamodb_decoder *d, json_span string);

/* A whole text, from its first byte to its last (dynamodb_reply.c): an item, or a reply with items
 * in it. Both open the text that scan was begun with. */
bool dynamodb_reply_push_item(dynamodb_decoder *d);
bool dynamodb_reply_push(dynamodb_decoder *d);

/* Notes what is wrong, unless something was before; answers false. */
bool dynamodb_decode_fail(dynamodb_decoder *d, const char *code, const char *message);

#endif
