/* DynamoDB's values in Lua, shared by the three files of the `weir.dynamodb` binding.
 *
 *   S string · N integer, float or number value · B binary value · BOOL boolean · NULL null, the
 *   light userdata of weir.json · M table · L list (with weir.json's array metatable) ·
 *   SS, NS, BS a list with the set metatable
 *
 * A number value and a binary value are userdata of the same shape: the text of a number that
 * neither an integer nor a float holds exactly; the bytes.
 * Memory: the Lua state's. */
#ifndef WEIR_DYNAMODB_LUA_H
#define WEIR_DYNAMODB_LUA_H

#include <stdbool.h>

#include "binding.h"
#include "core/aws/dynamodb_item.h"
#include "core/aws/dynamodb_number.h"
#include "core/text/text_buffer.h"

/* Names of metatables in the registry. */
#define DYNAMODB_NUMBER "weir.dynamodb.number"
#define DYNAMODB_BINARY "weir.dynamodb.binary"
#define DYNAMODB_SET "weir.dynamodb.set"

void dynamodb_push_value(lua_State *L, const char *metatable, const char *bytes, size_t size);

/* The bytes of a number or binary value at index, or NULL. */
const char *dynamodb_value(lua_State *L, int index, const char *metatable, size_t *size);

/* What went wrong with some value: a code for programs and a message for people. */
typedef struct {
  const char *code, *message;
} dynamodb_error;

/* The error that a number's status stands for. */
dynamodb_error dynamodb_number_error(dynamodb_number_status status);

/* Checks the list at index as a set: not empty, all of one type, no element twice. Answers with
 * its type or, in *error, why not. */
dynamodb_type dynamodb_set_type(lua_State *L, int index, dynamodb_error *error);

/* The number at index, an integer, a float or a number value, taken apart. */
dynamodb_error dynamodb_number_at(lua_State *L, int index, dynamodb_number *number);

/* decode(text[, options]), decode_reply(text[, options]), encode(item): Lua functions. Encoding
 * writes into the text_buffer in its first upvalue; decoding unescapes in it. */
int dynamodb_reply_decode_call(lua_State *L);
int dynamodb_reply_decode(lua_State *L);
int dynamodb_encode(lua_State *L);
int dynamodb_encode_size(lua_State *L);

#endif
