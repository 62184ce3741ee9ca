/* DynamoDB's values in Lua, shared by the files of the `weir.dynamodb` binding.
 *
 *   S string · N integer, float or number value · B binary value · BOOL boolean · NULL null, the
 *   light userdata of weir.json · M table · L list (with weir.json's array metatable) ·
 *   SS, NS, BS a list with the set metatable
 *
 * A number value and a binary value are userdata of the same shape: the text of a number that
 * neither an integer nor a float holds exactly; the bytes.
 * Memory: the Lua state's. */
#ifndef WEIR_DYNAMODB_VALUE_H
#define WEIR_DYNAMODB_VALUE_H

#include <stdbool.h>

#include "binding.h"
#include "core/aws/dynamodb_item.h"
#include "core/aws/dynamodb_number.h"
#include "core/text/text_buffer.h"

/* Names of metatables in the registry. */
#define DYNAMODB_NUMBER "weir.dynamodb.number"
#define DYNAMODB_BINARY "weir.dynamodb.binary"
#define DYNAMODB_SET "weir.dynamodb.set"

/* Makes the three types known. */
void dynamodb_value_register(lua_State *L);

/* Pushes a number or binary value with a copy of the bytes. */
void dynamodb_value_push(lua_State *L, const char *metatable, const char *bytes, size_t size);

/* The bytes of a number or binary value at index, or NULL. */
const char *dynamodb_value_bytes(lua_State *L, int index, const char *metatable, size_t *size);

/* What went wrong with some value: a code for programs and a message for people. */
typedef struct {
  const char *code, *message;
} dynamodb_value_error;

/* The error that a number's status stands for; its code is NULL when the number is fine. */
dynamodb_value_error dynamodb_value_number_error(dynamodb_number_status status);

enum { DYNAMODB_VALUE_NUMBER_TEXT = 32 }; /* the shortest form of any double or integer fits */

/* Writes the text of the Lua number at index, which loses no digit; 3, not 3.0. Its size, or 0: it
 * is not finite. */
size_t dynamodb_value_write_number(lua_State *L, int index, char text[DYNAMODB_VALUE_NUMBER_TEXT]);

/* The number at index, an integer, a float or a number value, taken apart. */
dynamodb_value_error dynamodb_value_number(lua_State *L, int index, dynamodb_number *number);

/* Checks the list at index as a set: not empty, all of one type, no element twice. Answers with
 * its type or, in *error, why not. */
dynamodb_type dynamodb_value_set_type(lua_State *L, int index, dynamodb_value_error *error);

#endif
