/* See policy_set_options.h. */
#include "policy_set_options.h"

#include "binding.h"
#include "policy/schema.h"

json_span policy_set_options_text(lua_State *L, int index, const char *name,
                                  const char *signature) {
  json_span span = {0};
  span.at = binding_check_text(L, index, name, &span.size, signature);
  return span;
}

const char *policy_set_options_push_params(lua_State *L, int index, size_t *size,
                                           const char *signature) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  index = lua_absindex(L, index);
  text_buffer *text = binding_buffer_push(L), *why = binding_buffer_push(L); // text why
  if (!schema_write_json(L, index, &any, text, why)) {
    lua_pushlstring(L, why->data ? why->data : "", why->size);
    luaL_error(L, "params: %s; expected %s", lua_tostring(L, -1), signature);
  }

  binding_buffer_finish(L, text); // text why json
  lua_replace(L, -3);
  lua_pop(L, 1); // json
  return lua_tolstring(L, -1, size);
}

void policy_set_options_read(lua_State *L, int index, const char *signature,
                             policy_set_options *options, json_span *bundle) {
  static const char *const keys[] = {"params", "instructions", "memory", "bundle",
                                     "verify", "trust",        "kind",   NULL};
  options->limits = policy_limits_default;
  *bundle = (json_span){0};
  if (!binding_check_options(L, index, keys, signature)) return;

  options->unverified = !binding_check_boolean(L, index, "verify", true, signature);
  options->trusting = binding_check_boolean(L, index, "trust", false, signature);
  options->kind = binding_check_name(L, index, "kind", signature);
  *bundle = policy_set_options_text(L, index, "bundle", signature);
  options->limits.instructions = binding_check_integer(
      L, index, "instructions", 1, LUA_MAXINTEGER, policy_limits_default.instructions, signature);
  options->limits.memory = (size_t)binding_check_integer(
      L, index, "memory", 1, LUA_MAXINTEGER, (lua_Integer)policy_limits_default.memory, signature);

  int type = binding_check_push(L, index, "params");
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE) binding_check_refuse(L, -1, "params", "a table", signature);
  options->overrides = policy_set_options_push_params(L, -1, &options->overrides_size, signature);
}

decision_origin policy_set_options_origin(lua_State *L, int index, const char *signature) {
  static const char *const keys[] = {"id", "time", "request_id", "redacted_json", "eval_us", NULL};
  decision_origin origin = {.eval_us = -1};
  if (!binding_check_options(L, index, keys, signature)) return origin;

  origin.id = binding_check_name(L, index, "id", signature);
  origin.time = binding_check_name(L, index, "time", signature);
  origin.request_id = binding_check_name(L, index, "request_id", signature);
  origin.redacted = binding_check_name(L, index, "redacted_json", signature);
  origin.eval_us = binding_check_integer(L, index, "eval_us", 0, LUA_MAXINTEGER, -1, signature);

  return origin;
}
