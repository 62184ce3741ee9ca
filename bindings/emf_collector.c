/* weir.emf's collectors (host/core/aws/emf_collector.h):
 *
 *   weir.emf.collector{namespace=, dimensions=, properties=} → collector
 *       dimensions: name → text, those of every metric; properties: a list of the names that lines
 *       may bring, which no metric and no dimension can have. Raises what CloudWatch would not take
 *   collector:add(name, value, unit, dimensions) → true | nil, message, "InvalidMetric": CloudWatch
 *       would not take it, and it is left out
 *   collector:again(name, value, unit, dimensions) → whether it was added: true only where all four
 *       are what add takes, and a metric of that name and set was added before
 *   collector:series(list) → metrics that are measured together: emf_series.c
 *   collector:lines([properties[, request_id]]) → what was added: one text, "" where nothing was;
 *       properties: a JSON object, as text; request_id: the property of that name, besides
 *
 * Memory: the collector's userdata. */
#include "core/aws/emf_collector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/json/scan.h"
#include "core/json/write.h"
#include "core/system/process.h"
#include "emf_lua.h"

static const char COLLECTOR[] = "weir.emf.collector";

typedef struct {
  emf_collector emf;
  text_buffer set, lines, properties;
} collector; /* user value: the properties that were checked last */

/* ── Lines ── */

/* The table at index as a set, where it has one dimension at most, which is a text; most have. */
static bool read_one_dimension(lua_State *L, int index, text_buffer *set) {
  size_t name_size, value_size;
  set->size = 0;
  lua_pushnil(L);
  if (!lua_next(L, index)) return true;
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) return false;

  const char *name = lua_tolstring(L, -2, &name_size), *value = lua_tolstring(L, -1, &value_size);
  emf_collector_dimension(set, name, name_size, value, value_size);
  lua_pop(L, 1);
  return !lua_next(L, index);
}

/* Adds what is at the indices 2 to 5, if such a metric was added before. Leaves values on the
 * stack. */
static bool add_again(lua_State *L, collector *self) {
  size_t size;
  if (lua_type(L, 2) != LUA_TSTRING || lua_type(L, 3) != LUA_TNUMBER ||
      lua_type(L, 4) != LUA_TSTRING || lua_type(L, 5) != LUA_TTABLE)
    return false;

  const char *name = lua_tolstring(L, 2, &size);
  double value = lua_tonumber(L, 3);
  int unit = emf_unit(lua_tostring(L, 4));
  return fabs(value) <= 0x1p360 && read_one_dimension(L, 5, &self->set) &&
         emf_collector_add_again(&self->emf, &self->set, name, size, unit, value);
}

static const char AGAIN_SIGNATURE[] = "collector:again(name, value, unit, dimensions)";

static int lua_emf_collector_again(lua_State *L) {
  collector *self = binding_argument_self(L, COLLECTOR, AGAIN_SIGNATURE);
  lua_settop(L, 5);
  lua_pushboolean(L, add_again(L, self));
  return 1;
}

static const char ADD_SIGNATURE[] = "collector:add(name, number, unit, {name=value})";

/* What was given to add; NULL, or why it is left out. */
static const char *add_metric(lua_State *L, collector *self) {
  size_t size;
  bool ok;
  const char *name = binding_argument_text(L, 2, &size, ADD_SIGNATURE);
  if (lua_type(L, 3) != LUA_TNUMBER) binding_check_refuse(L, 3, NULL, "a number", ADD_SIGNATURE);
  double value = lua_tonumber(L, 3);
  int unit = emf_unit(binding_argument_name(L, 4, ADD_SIGNATURE));
  if (!lua_istable(L, 5)) binding_check_refuse(L, 5, NULL, "a table", ADD_SIGNATURE);

  if (!(fabs(value) <= 0x1p360)) return "its value is not between -2^360 and 2^360";
  if (unit < 0) return "CloudWatch has no such unit";
  const char *wrong = emf_dimensions_read(L, 5, &self->set);
  if (wrong) return wrong;

  wrong = emf_collector_add(&self->emf, &self->set, name, size, unit, value, &ok);
  binding_expect_memory(L, ok);
  return wrong;
}

static int lua_emf_collector_add(lua_State *L) {
  collector *self = binding_argument_self(L, COLLECTOR, ADD_SIGNATURE);
  lua_settop(L, 5);
  const char *wrong = NULL;
  if (!add_again(L, self)) {
    lua_settop(L, 5);
    wrong = add_metric(L, self);
  }

  if (wrong)
    return binding_fail(L, "InvalidMetric", "the metric '%s' is left out: %s", lua_tostring(L, 2),
                        wrong);

  lua_pushboolean(L, true);
  return 1;
}

static int lua_emf_collector_series(lua_State *L) {
  collector *self = binding_argument_self(L, COLLECTOR, EMF_SERIES_SIGNATURE);
  lua_settop(L, 2);
  emf_series_push(L, &self->emf);
  return 1;
}

static const char LINES_SIGNATURE[] = "collector:lines([properties_json[, request_id]])";

/* No property may hide what a line holds already. Those at index 2 are looked at once, while the
 * same come again. */
static void check_properties(lua_State *L, const collector *self, json_span properties) {
  json_scan scan;
  json_span name, value;
  lua_getiuservalue(L, 1, 1);
  bool checked = lua_rawequal(L, -1, 2);
  lua_pop(L, 1);
  if (checked) return;

  json_scan_begin(&scan, properties.at, properties.size);
  bool ok = json_scan_enter(&scan, JSON_OBJECT);
  while (ok && json_scan_member(&scan, &name))
    ok = emf_collector_has_property(&self->emf, name.at, name.size) &&
         json_scan_value(&scan, &value);
  binding_expect(L, ok && json_scan_finish(&scan), LINES_SIGNATURE);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, 1);
}

/* The properties with the request's id, which is at index 3, before them. */
static json_span add_request_id(lua_State *L, collector *self, json_span properties) {
  static const char name[] = "request_id";
  size_t size;
  text_buffer *out = &self->properties;
  const char *id = binding_argument_text(L, 3, &size, LINES_SIGNATURE);
  binding_expect(L, emf_collector_has_property(&self->emf, name, sizeof name - 1), LINES_SIGNATURE);

  binding_buffer_begin(out);
  text_buffer_text(out, "{\"request_id\":");
  binding_expect(L, json_write_string_utf8(out, id, size), LINES_SIGNATURE);
  if (properties.size > sizeof "{}" - 1) text_buffer_byte(out, ',');
  text_buffer_append(out, properties.at + 1, properties.size - 1);
  binding_expect_memory(L, !out->failed);

  return (json_span){.at = out->data, .size = out->size};
}

static int lua_emf_collector_lines(lua_State *L) {
  json_span properties = {.at = "{}", .size = 2};
  collector *self = binding_argument_self(L, COLLECTOR, LINES_SIGNATURE);
  lua_settop(L, 3);
  if (!lua_isnil(L, 2)) {
    properties.at = binding_argument_text(L, 2, &properties.size, LINES_SIGNATURE);
    check_properties(L, self, properties);
  }

  if (!lua_isnil(L, 3)) properties = add_request_id(L, self, properties);

  text_buffer *lines = &self->lines;
  binding_buffer_begin(lines);
  bool ok =
      emf_collector_lines(&self->emf, process_time_ms(), properties.at, properties.size, lines);
  binding_expect_memory(L, ok);
  lua_pushlstring(L, lines->data, lines->size);

  return 1;
}

/* ── The collector itself ── */

static const char COLLECTOR_SIGNATURE[] = "weir.emf.collector{namespace=text, "
                                          "dimensions={name=text}, properties={name, …}}";

static void read_properties(lua_State *L, text_buffer *names) {
  binding_check_push(L, 1, "properties");
  lua_Integer count = binding_check_list(L, -1, "properties", COLLECTOR_SIGNATURE);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    const char *name = binding_argument_name(L, -1, COLLECTOR_SIGNATURE);
    text_buffer_append(names, name, strlen(name) + 1);
    lua_pop(L, 1);
  }
}

static int lua_emf_collector(lua_State *L) {
  static const char *const keys[] = {"namespace", "dimensions", "properties", NULL};
  size_t size;
  bool ok;
  binding_argument_most(L, 1, COLLECTOR_SIGNATURE);
  binding_expect(L, binding_check_options(L, 1, keys, COLLECTOR_SIGNATURE), COLLECTOR_SIGNATURE);
  binding_check_present(L, 1, "namespace", COLLECTOR_SIGNATURE);
  const char *name_space = binding_check_text(L, 1, "namespace", &size, COLLECTOR_SIGNATURE);

  collector *self = binding_owner_push(L, COLLECTOR, sizeof *self, 1); // options collector
  text_buffer_append(&self->emf.name_space, name_space, size);
  read_properties(L, &self->emf.properties); // options collector properties
  binding_expect(L, binding_check_push(L, 1, "dimensions") == LUA_TTABLE, COLLECTOR_SIGNATURE);
  const char *wrong = emf_dimensions_read(L, 4, &self->emf.dimensions);
  lua_settop(L, 2);
  if (!wrong) {
    wrong = emf_collector_begin(&self->emf, &ok);
    binding_expect_memory(L, ok);
  }

  if (wrong) luaL_error(L, "%s; expected %s", wrong, COLLECTOR_SIGNATURE);
  return 1;
}

static int lua_emf_collector_gc(lua_State *L) {
  collector *self = binding_argument_self(L, COLLECTOR, "a collector");
  emf_collector_free(&self->emf);
  text_buffer_free(&self->set);
  text_buffer_free(&self->lines);
  text_buffer_free(&self->properties);

  return 0;
}

void emf_collector_add_to(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(emf_collector, gc), BINDING_END};
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(emf_collector, add), BINDING_FUNCTION(emf_collector, again),
      BINDING_FUNCTION(emf_collector, series), BINDING_FUNCTION(emf_collector, lines), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(emf, collector), BINDING_END};
  binding_type_register(L, COLLECTOR, metamethods, methods);
  luaL_setfuncs(L, functions, 0);
  emf_series_register(L);
}
