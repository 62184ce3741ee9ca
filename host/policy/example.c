/* See example.h. */
#include "policy/example.h"

#include <lauxlib.h>

#include "core/json/writer.h"
#include "policy/impl.h"

typedef struct {
  const policy_kind *kind;
  size_t number;
  policy_example *example;
} request;

void policy_example_free(policy_example *example) {
  text_buffer_free(&example->facts);
  text_buffer_free(&example->params);
  text_buffer_free(&example->expect);
  text_buffer_free(&example->why);
}

/* Writes the Lua table in a field of the example (top of the stack) as JSON. */
static bool write_member(lua_State *L, const char *name, const schema_record *fields,
                         text_buffer *out, text_buffer *why) {
  schema_field record = {.type = SCHEMA_RECORD, .max_size = SIZE_MAX};
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  if (fields) record.fields = *fields;
  out->size = why->size = 0;
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    text_buffer_text(out, "{}");
    return true;
  }

  bool ok = schema_write_json(L, lua_gettop(L), fields ? &record : &any, out, why);
  lua_pop(L, 1);

  return ok;
}

/* An action, or a table of what the decision must have: at least something, or the example would
 * pass whatever is decided. */
static bool write_expected(lua_State *L, text_buffer *out, text_buffer *why) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  out->size = why->size = 0;
  bool is_action = lua_getfield(L, -1, "expect") == LUA_TSTRING;
  json_writer writer = json_writer_to(out);
  if (is_action) {
    json_writer_object(&writer, NULL);
    json_writer_member(&writer, "action");
  }

  bool ok = schema_write_json(L, lua_gettop(L), &any, out, why);
  if (is_action) json_writer_end(&writer);
  lua_pop(L, 1);
  if (!ok || (out->size > 2 && out->data[0] == '{')) return ok;
  text_buffer_text(why, "expect must be \"action\" or { action = …, field = … }");

  return false;
}

/* Protected: indexing may raise for want of memory. */
static int read_example(lua_State *L) {
  request *asked = lua_touserdata(L, 1);
  const policy_kind *kind = asked->kind;
  policy_example *example = asked->example;
  lua_rawgeti(L, LUA_REGISTRYINDEX, kind->policy_table);
  lua_getfield(L, -1, "examples");
  lua_geti(L, -1, (lua_Integer)asked->number); // … example
  bool ok = write_member(L, "given", &kind->facts_schema, &example->facts, &example->why) &&
            write_member(L, "params", NULL, &example->params, &example->why) &&
            write_expected(L, &example->expect, &example->why);
  lua_pushboolean(L, ok);

  return 1;
}

bool policy_example_read(policy_sandbox *sandbox, const policy_kind *kind, size_t number,
                         policy_example *example) {
  lua_State *L = sandbox->L;
  request asked = {.kind = kind, .number = number, .example = example};
  sandbox_budget_start(L);
  lua_pushcfunction(L, read_example);
  lua_pushlightuserdata(L, &asked);
  bool ran = lua_pcall(L, 1, 1, 0) == LUA_OK, ok = ran && lua_toboolean(L, -1);
  bool spent = sandbox_budget_is_spent(L);
  sandbox_budget_stop(L);
  lua_settop(L, 0);

  if (!ran) {
    example->why.size = 0;
    text_buffer_text(&example->why, "cannot be read");
  }

  example->short_of_memory = (spent && sandbox->budget.starved) || example->facts.failed ||
                             example->params.failed || example->expect.failed ||
                             example->why.failed;

  return ok && !example->short_of_memory;
}
