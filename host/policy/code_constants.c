/* See code_constants.h. */
#include "policy/code_constants.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "policy/closure_code.h"

enum { SIGNED_B = 127, SIGNED_C = 127, SIGNED_BX = 65535, TEXT_BYTES_MAX = 256 };

static bool is_equal(const code_constant *a, const code_constant *b) {
  if (a->is_text != b->is_text || a->is_key != b->is_key) return false;
  if (!a->is_text) return a->number == b->number;
  return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void add(lua_State *L, code_constants *list, code_constant added) {
  for (size_t i = 0; i < list->count; i++)
    if (is_equal(&list->items[i], &added)) return;
  if (list->count == CODE_CONSTANTS_MAX) return;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 32;
    code_constant *grown = realloc(list->items, capacity * sizeof *grown);
    if (!grown) luaL_error(L, "not enough memory");
    list->items = grown;
    list->capacity = capacity;
  }

  if (added.is_text) {
    added.text = strndup(added.text, added.size);
    if (!added.text) luaL_error(L, "not enough memory");
  }

  list->items[list->count++] = added;
}

static void add_number(lua_State *L, code_constants *list, double number) {
  if (number == number) add(L, list, (code_constant){.number = number});
}

void code_constants_add_value(lua_State *L, code_constants *list, int index) {
  size_t size;
  if (lua_type(L, index) == LUA_TNUMBER) {
    add_number(L, list, lua_tonumber(L, index));
  } else if (lua_type(L, index) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, index, &size);
    if (size > TEXT_BYTES_MAX || memchr(text, '\0', size)) return;
    add(L, list, (code_constant){.is_text = true, .text = (char *)text, .size = size});
  }
}

static void add_key(lua_State *L, code_constants *list, const lua_Code *code, unsigned k) {
  size_t size;
  lua_pushcodeconstant(L, code, (int)k);
  const char *text = lua_tolstring(L, -1, &size);
  add(L, list,
      (code_constant){.is_text = true, .is_key = true, .text = (char *)text, .size = size});
  lua_pop(L, 1);
}

static void add_constant(lua_State *L, code_constants *list, const lua_Code *code, unsigned k) {
  lua_pushcodeconstant(L, code, (int)k);
  code_constants_add_value(L, list, -1);
  lua_pop(L, 1);
}

void code_constants_add_instruction(lua_State *L, code_constants *list, const lua_Code *code,
                                    unsigned bits) {
  code_instruction i = closure_code_decode(bits);
  switch (i.op) {
  case CODE_LOADI:
  case CODE_LOADF: add_number(L, list, (double)i.bx - SIGNED_BX); return;
  case CODE_LOADK: add_constant(L, list, code, i.bx); return;
  case CODE_EQK: add_constant(L, list, code, i.b); return;
  case CODE_GETFIELD: add_key(L, list, code, i.c); return;
  case CODE_EQI:
  case CODE_LTI:
  case CODE_LEI:
  case CODE_GTI:
  case CODE_GEI: add_number(L, list, (double)i.b - SIGNED_B); return;
  case CODE_ADDI: add_number(L, list, (double)i.c - SIGNED_C); return;
  default: break;
  }

  if (i.op >= CODE_ADDK && i.op < CODE_SHRI) add_constant(L, list, code, i.c);
}

void code_constants_free(code_constants *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].text);
  free(list->items);
  *list = (code_constants){0};
}
