/* weir.emf: metrics as log lines (host/core/aws/emf.h has the format's rules).
 *
 *   new{namespace=, dimensions=, properties=, timestamp=} → writer
 *       dimensions: name → value, at most 30, or a list of such sets; properties: name → what JSON
 *       can hold; timestamp: milliseconds since 1970 for every line; by default the clock's at each
 *       flush
 *   writer:metric(name, value or list of values[, unit[, resolution]]) → writer
 *       unit "None" and resolution 60 by default
 *   writer:flush([file]) → lines written, one write(2) each, to a file, a descriptor or stdout
 *       | nil, message, "WriteFailed": what was not written waits for the next flush
 *   collector{…}: many writers as one (emf_collector.c)
 *
 * A value that is NaN or beyond 2^360 answers nil, message, "InvalidValue" and changes nothing;
 * other mistakes raise. Memory: the writer's userdata. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binding.h"
#include "core/aws/emf.h"
#include "emf_lua.h"
#include "json_lua.h"
#include "registry.h"

static const char WRITER[] = "weir.emf.writer";

static const char NEW_SIGNATURE[] = "weir.emf.new{namespace=text, dimensions={name=text} or list "
                                    "of such?, properties={name=value}?, "
                                    "timestamp=milliseconds?}";

typedef struct {
  emf_writer emf;
  text_buffer line;
  int64_t timestamp; /* -1: the clock's */
} writer;

static void raise_if(lua_State *L, const char *wrong, const char *name, const char *signature) {
  if (wrong) luaL_error(L, "'%s': %s; expected %s", name, wrong, signature);
}

static int compare_texts(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The set on top of the stack, in byte order of its names: the same set gives the same line. */
static void add_set(lua_State *L, emf_writer *emf) {
  const char *names[EMF_DIMENSIONS + 1];
  size_t count = 0;
  if (!lua_istable(L, -1)) binding_check_refuse(L, -1, "dimensions", "a table", NEW_SIGNATURE);

  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING,
                   NEW_SIGNATURE);
    if (count == EMF_DIMENSIONS)
      raise_if(L, "a set has at most 30 dimensions", lua_tostring(L, -2), NEW_SIGNATURE);
    names[count++] = lua_tostring(L, -2);
  }

  qsort(names, count, sizeof *names, compare_texts);
  emf_begin_set(emf);
  for (size_t i = 0; i < count; i++) {
    binding_check_push(L, -1, names[i]);
    size_t size;
    const char *value = lua_tolstring(L, -1, &size);
    if (!value) luaL_error(L, "a dimension's name contains a NUL; expected %s", NEW_SIGNATURE);
    raise_if(L, emf_dimension(emf, names[i], strlen(names[i]), value, size), names[i],
             NEW_SIGNATURE);
    lua_pop(L, 1);
  }
}

static void add_dimensions(lua_State *L, emf_writer *emf) {
  if (binding_check_push(L, 1, "dimensions") != LUA_TNIL) {
    bool list = lua_istable(L, -1) && lua_rawlen(L, -1) > 0;
    lua_Integer sets = list ? binding_check_list(L, -1, "dimensions", NEW_SIGNATURE) : 0;
    if (!list) add_set(L, emf);
    for (lua_Integer i = 1; i <= sets; i++) {
      lua_rawgeti(L, -1, i);
      add_set(L, emf);
      lua_pop(L, 1);
    }
  }

  emf_end_sets(emf);
  lua_pop(L, 1);
}

/* The properties on top of the stack, each name checked. */
static void write_properties(lua_State *L, writer *self) {
  const json_style style = {.sort = true};
  if (!lua_istable(L, -1)) binding_check_refuse(L, -1, "properties", "a table", NEW_SIGNATURE);

  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, NEW_SIGNATURE);
    size_t size;
    const char *name = lua_tolstring(L, -2, &size);
    raise_if(L, emf_property(&self->emf, name, size), name, NEW_SIGNATURE);
  }

  json_encode_value(L, lua_gettop(L), style, &self->line);
}

static void add_properties(lua_State *L, writer *self) {
  if (binding_check_push(L, 1, "properties") != LUA_TNIL) write_properties(L, self);
  const char *wrong = emf_end_properties(&self->emf, self->line.data, self->line.size);
  raise_if(L, wrong, "properties", NEW_SIGNATURE);
  lua_pop(L, 1);
}

static int lua_emf_new(lua_State *L) {
  static const char *const keys[] = {"namespace", "dimensions", "properties", "timestamp", NULL};
  size_t size;
  binding_argument_most(L, 1, NEW_SIGNATURE);
  binding_expect(L, binding_check_options(L, 1, keys, NEW_SIGNATURE), NEW_SIGNATURE);
  binding_check_present(L, 1, "namespace", NEW_SIGNATURE);
  const char *name_space = binding_check_text(L, 1, "namespace", &size, NEW_SIGNATURE);
  int64_t timestamp =
      binding_check_integer(L, 1, "timestamp", 0, LUA_MAXINTEGER, -1, NEW_SIGNATURE);

  writer *self = binding_owner_push(L, WRITER, sizeof *self, 0); // options writer
  self->timestamp = timestamp;
  raise_if(L, emf_begin(&self->emf, name_space, size), name_space, NEW_SIGNATURE);
  add_dimensions(L, &self->emf);
  add_properties(L, self);
  binding_expect_memory(L, !self->emf.failed);

  return 1;
}

static const char METRIC_SIGNATURE[] =
    "writer:metric(name, value or list of values[, unit[, resolution of 1 or 60]])";

/* Whether CloudWatch takes the value at index, a number or a list of numbers: it stores what lies
 * between -2^360 and 2^360. All of them are checked to be numbers first. */
static bool is_storable(lua_State *L, int index, lua_Integer count) {
  bool storable = true;
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_istable(L, index))
      lua_rawgeti(L, index, i);
    else
      lua_pushvalue(L, index);
    binding_expect(L, lua_type(L, -1) == LUA_TNUMBER, METRIC_SIGNATURE);
    storable = storable && fabs(lua_tonumber(L, -1)) <= 0x1p360;
    lua_pop(L, 1);
  }

  return storable;
}

/* The unit at index, "None" by default. */
static int check_unit(lua_State *L, int index) {
  const char *name = "None";
  if (!lua_isnoneornil(L, index)) name = binding_argument_name(L, index, METRIC_SIGNATURE);
  int unit = emf_unit(name);
  raise_if(L, unit < 0 ? "CloudWatch has no such unit" : NULL, name, METRIC_SIGNATURE);

  return unit;
}

static int check_resolution(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return 60;
  lua_Integer resolution = binding_argument_integer(L, index, 1, 60, METRIC_SIGNATURE);
  binding_expect(L, resolution == 1 || resolution == 60, METRIC_SIGNATURE);
  return (int)resolution;
}

static int lua_emf_writer_metric(lua_State *L) {
  size_t size, metric;
  writer *self = binding_argument_self(L, WRITER, METRIC_SIGNATURE);
  lua_settop(L, 5);
  const char *name = binding_argument_text(L, 2, &size, METRIC_SIGNATURE);
  bool list = lua_istable(L, 3);
  lua_Integer count = list ? binding_check_list(L, 3, NULL, METRIC_SIGNATURE) : 1;
  int unit = check_unit(L, 4), resolution = check_resolution(L, 5);
  if (!is_storable(L, 3, count))
    return binding_fail(L, "InvalidValue", "metric '%s': a value is not between -2^360 and 2^360",
                        name);

  raise_if(L, emf_metric(&self->emf, name, size, unit, resolution, &metric), name,
           METRIC_SIGNATURE);
  for (lua_Integer i = 1; i <= count && !self->emf.failed; i++) {
    if (list) lua_rawgeti(L, 3, i);
    emf_value(&self->emf, metric, lua_tonumber(L, list ? -1 : 3));
    if (list) lua_pop(L, 1);
  }

  binding_expect_memory(L, !self->emf.failed);

  lua_settop(L, 1);
  return 1;
}

static bool next_line(lua_State *L, writer *self) {
  int64_t timestamp = self->timestamp;
  if (timestamp < 0) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  }

  bool made = emf_line(&self->emf, timestamp, NULL, 0, &self->line);
  binding_expect_memory(L, !self->emf.failed);

  return made;
}

static const char FLUSH_SIGNATURE[] = "writer:flush([file or descriptor])";

/* The descriptor of a Lua file. What Lua still buffers for it is written first. */
static int descriptor_of(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TNUMBER)
    return (int)binding_argument_integer(L, index, 0, INT_MAX, FLUSH_SIGNATURE);

  FILE *file = stdout;
  if (!lua_isnoneornil(L, index)) {
    const luaL_Stream *stream = luaL_testudata(L, index, LUA_FILEHANDLE);
    if (!stream)
      binding_check_refuse(L, index, NULL, "an open file or a descriptor", FLUSH_SIGNATURE);
    binding_expect(L, stream->closef != NULL, FLUSH_SIGNATURE);
    file = stream->f;
  }

  fflush(file);

  return fileno(file);
}

static int lua_emf_writer_flush(lua_State *L) {
  writer *self = binding_argument_self(L, WRITER, FLUSH_SIGNATURE);
  lua_settop(L, 2);
  int descriptor = descriptor_of(L, 2);

  lua_Integer lines = 0;
  for (; next_line(L, self); lines++) {
    int error = emf_write(descriptor, &self->line);
    if (error) return binding_fail(L, "WriteFailed", "cannot write metrics: %s", strerror(error));
    emf_taken(&self->emf);
  }

  lua_pushinteger(L, lines);
  return 1;
}

static int lua_emf_writer_gc(lua_State *L) {
  writer *self = binding_argument_self(L, WRITER, "a writer");
  emf_free(&self->emf);
  text_buffer_free(&self->line);

  return 0;
}

int luaopen_weir_emf(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(emf_writer, gc), BINDING_END};
  static const luaL_Reg methods[] = {BINDING_FUNCTION(emf_writer, metric),
                                     BINDING_FUNCTION(emf_writer, flush), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(emf, new), BINDING_END};
  binding_type_register(L, WRITER, metamethods, methods);
  luaL_newlib(L, functions);
  emf_collector_add_to(L);

  return 1;
}
