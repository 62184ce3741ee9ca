/* Metrics that a program measures again and again, found once (host/core/aws/emf_collector.h):
 *
 *   collector:series{{name=, unit=, dimensions=}, …} → series
 *       the metrics of a list, made for the collector, as its add has them. Raises what CloudWatch
 *       would not take
 *   series:add(number or nil, …)   a value for each metric, in their order; nil measures nothing
 *
 * Memory: the series' userdata, which keeps its collector. */
#include <math.h>

#include "binding.h"
#include "emf_lua.h"

static const char SERIES[] = "weir.emf.series";

typedef struct {
  text_buffer name, set;
  int unit;
  emf_place place;
} member;

typedef struct {
  emf_collector *emf;
  size_t count;
  member members[];
} series; /* user value: the collector */

static void find_member(lua_State *L, series *self, member *each, const char *signature) {
  bool ok;
  const char *wrong = emf_collector_find(self->emf, &each->set, each->name.data, each->name.size,
                                         each->unit, &each->place, &ok);
  if (wrong) luaL_error(L, "%s; expected %s", wrong, signature);
  binding_expect_memory(L, ok);
}

/* The description of a metric, which is on top of the stack. */
static void read_member(lua_State *L, member *each) {
  static const char *const keys[] = {"name", "unit", "dimensions", NULL};
  int index = lua_gettop(L);
  size_t size;
  binding_expect(L, binding_check_options(L, index, keys, EMF_SERIES_SIGNATURE),
                 EMF_SERIES_SIGNATURE);
  binding_check_present(L, index, "name", EMF_SERIES_SIGNATURE);
  binding_check_present(L, index, "unit", EMF_SERIES_SIGNATURE);
  const char *name = binding_check_text(L, index, "name", &size, EMF_SERIES_SIGNATURE);
  text_buffer_append(&each->name, name, size);
  binding_expect_memory(L, !each->name.failed);
  each->unit = emf_unit(binding_check_name(L, index, "unit", EMF_SERIES_SIGNATURE));
  if (each->unit < 0)
    luaL_error(L, "CloudWatch has no such unit; expected %s", EMF_SERIES_SIGNATURE);
  binding_expect(L, binding_check_push(L, index, "dimensions") == LUA_TTABLE, EMF_SERIES_SIGNATURE);
  const char *wrong = emf_dimensions_read(L, lua_gettop(L), &each->set);
  if (wrong) luaL_error(L, "%s; expected %s", wrong, EMF_SERIES_SIGNATURE);
}

void emf_series_push(lua_State *L, emf_collector *emf) {
  lua_Integer count = binding_check_list(L, 2, NULL, EMF_SERIES_SIGNATURE);
  series *self =
      binding_owner_push(L, SERIES, sizeof *self + (size_t)count * sizeof(member), 1); // … series
  self->emf = emf;
  self->count = (size_t)count;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, 1);

  for (size_t i = 0; i < self->count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    read_member(L, &self->members[i]);
    find_member(L, self, &self->members[i], EMF_SERIES_SIGNATURE);
    lua_settop(L, 3);
  }
}

static const char ADD_SIGNATURE[] = "series:add(number or nil, …), a value for each of its metrics";

/* The value at index, if there is one. */
static void add_value(lua_State *L, series *self, member *each, int index) {
  if (lua_isnoneornil(L, index)) return;
  if (lua_type(L, index) != LUA_TNUMBER) {
    binding_check_refuse(L, index, NULL, "a number", ADD_SIGNATURE);
    return;
  }

  double value = lua_tonumber(L, index);
  binding_expect(L, fabs(value) <= 0x1p360, ADD_SIGNATURE);
  if (!emf_collector_keeps(self->emf, &each->place)) find_member(L, self, each, ADD_SIGNATURE);
  binding_expect_memory(L, emf_collector_add_at(self->emf, &each->place, value));
}

static int lua_emf_series_add(lua_State *L) {
  series *self = binding_argument_self(L, SERIES, ADD_SIGNATURE);
  binding_argument_most(L, (int)self->count + 1, ADD_SIGNATURE);
  for (size_t i = 0; i < self->count; i++) add_value(L, self, &self->members[i], (int)i + 2);

  return 0;
}

static int lua_emf_series_gc(lua_State *L) {
  series *self = binding_argument_self(L, SERIES, "a series");
  for (size_t i = 0; i < self->count; i++) {
    text_buffer_free(&self->members[i].name);
    text_buffer_free(&self->members[i].set);
  }

  return 0;
}

void emf_series_register(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(emf_series, gc), BINDING_END};
  static const luaL_Reg methods[] = {BINDING_FUNCTION(emf_series, add), BINDING_END};
  binding_type_register(L, SERIES, metamethods, methods);
}
