/* See policy_set_options.h. */
#include "policy_set_options.h"

#include "binding.h"
#include "policy/schema.h"

/* Reads an integer option that must be at least 1. */
static int64_t option_integer(lua_State *L, int index, const char *name, int64_t missing) {
  int64_t value = missing;
  if (lua_getfield(L, index, name) != LUA_TNIL) {
    int exact;
    value = lua_tointegerx(L, -1, &exact);
    if (!exact || value < 1) luaL_error(L, "%s must be an integer of at least 1", name);
  }
  lua_pop(L, 1);
  return value;
}

json_span policy_set_options_json(lua_State *L, int index, const char *name) {
  json_span span = {0};
  if (lua_type(L, index) == LUA_TTABLE && lua_getfield(L, index, name) != LUA_TNIL)
    span.at = luaL_checklstring(L, -1, &span.size); /* stays on the stack */
  return span;
}

const char *policy_set_options_push_params(lua_State *L, int index, size_t *size) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  text_buffer text = {0}, why = {0};
  bool ok = schema_write_json(L, index, &any, &text, &why);
  lua_pushlstring(L, ok ? text.data : why.data, ok ? text.size : why.size);
  text_buffer_free(&text);
  text_buffer_free(&why);
  if (!ok) luaL_error(L, "params: %s", lua_tostring(L, -1));
  return lua_tolstring(L, -1, size);
}

/* params as JSON text; the text stays on the stack. */
static void read_params(lua_State *L, int index, policy_set_options *options) {
  if (lua_getfield(L, index, "params") == LUA_TNIL) return;
  luaL_checktype(L, -1, LUA_TTABLE);
  options->overrides = policy_set_options_push_params(L, lua_gettop(L), &options->overrides_size);
}

void policy_set_options_read(lua_State *L, int index, const char *signature,
                             policy_set_options *options) {
  static const char *const allowed[] = {"params", "instructions", "memory", "bundle", NULL};
  options->limits = policy_limits_default;
  if (lua_isnoneornil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  binding_check_keys(L, index, allowed, signature);
  options->limits.instructions =
      option_integer(L, index, "instructions", policy_limits_default.instructions);
  options->limits.memory =
      (size_t)option_integer(L, index, "memory", (int64_t)policy_limits_default.memory);
  read_params(L, index, options);
}
