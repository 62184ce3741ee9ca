/* weir.emf: metrics as log lines (host/core/emf.h has the format's rules).
 *
 *   new{namespace, dimensions, properties, timestamp} → writer
 *       dimensions: name → value, or a list of such sets; properties: name → what JSON can hold;
 *       timestamp: milliseconds since 1970 for every line, or the clock's at each flush
 *   writer:metric(name, value or list of values[, unit[, resolution]]) → writer
 *       unit "None" and resolution 60 by default
 *   writer:flush([file]) → lines written, one write(2) each, to a file, a descriptor or stdout
 *       | nil, message, "WriteFailed": what was not written waits for the next flush
 *   writer:lines([properties]) → the lines as a list of texts, taken as if they had been written;
 *       properties: what these lines have besides the writer's own
 *
 * A value that is NaN or beyond 2^360 answers nil, message, "InvalidValue" and changes nothing;
 * other mistakes raise. Memory: the writer's userdata. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "binding.h"
#include "core/aws/emf.h"
#include "json_lua.h"
#include "registry.h"

#define WRITER "weir.emf.writer"
#define NEW_SIGNATURE                                                                              \
  "weir.emf.new{namespace = text, [dimensions = {name = text}, properties = {name = value}, "      \
  "timestamp = milliseconds]}"
#define METRIC_SIGNATURE                                                                           \
  "writer:metric(name, value or list of values[, unit[, resolution of 1 or 60]])"

typedef struct {
  emf_writer emf;
  text_buffer line;
  text_buffer extra; /* the properties of the lines being made, as one JSON object */
  int64_t timestamp; /* -1: the clock's */
} writer;

static writer *check_writer(lua_State *L) {
  return luaL_checkudata(L, 1, WRITER);
}

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
  binding_expect(L, lua_istable(L, -1), NEW_SIGNATURE);
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
    lua_getfield(L, -1, names[i]);
    size_t size;
    const char *value = lua_tolstring(L, -1, &size);
    if (!value) luaL_error(L, "a dimension's name contains a NUL; expected %s", NEW_SIGNATURE);
    raise_if(L, emf_dimension(emf, names[i], strlen(names[i]), value, size), names[i],
             NEW_SIGNATURE);
    lua_pop(L, 1);
  }
}

static void add_dimensions(lua_State *L, emf_writer *emf) {
  if (lua_getfield(L, 1, "dimensions") != LUA_TNIL) {
    binding_expect(L, lua_istable(L, -1), NEW_SIGNATURE);
    lua_Integer sets = (lua_Integer)lua_rawlen(L, -1);
    if (sets == 0) add_set(L, emf);
    for (lua_Integer i = 1; i <= sets; i++) {
      lua_rawgeti(L, -1, i);
      add_set(L, emf);
      lua_pop(L, 1);
    }
  }
  emf_end_sets(emf);
  lua_pop(L, 1);
}

/* Writes the properties on top of the stack as one JSON object, each name checked by `check`. */
static void write_properties(lua_State *L, writer *self, text_buffer *out, const char *signature,
                             const char *(*check)(emf_writer *, const char *, size_t)) {
  const json_style style = {.sort = true};
  binding_expect(L, lua_istable(L, -1), signature);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, signature);
    size_t size;
    const char *name = lua_tolstring(L, -2, &size);
    raise_if(L, check(&self->emf, name, size), name, signature);
  }
  json_encode_value(L, lua_gettop(L), style, out);
}

static void add_properties(lua_State *L, writer *self) {
  if (lua_getfield(L, 1, "properties") != LUA_TNIL)
    write_properties(L, self, &self->line, NEW_SIGNATURE, emf_property);
  const char *wrong = emf_end_properties(&self->emf, self->line.data, self->line.size);
  raise_if(L, wrong, "properties", NEW_SIGNATURE);
  lua_pop(L, 1);
}

static int emf_new(lua_State *L) {
  static const char *const keys[] = {"namespace", "dimensions", "properties", "timestamp", NULL};
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), NEW_SIGNATURE);
  binding_check_keys(L, 1, keys, NEW_SIGNATURE);
  writer *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (writer){.timestamp = -1};
  luaL_setmetatable(L, WRITER);
  binding_expect(L, lua_getfield(L, 1, "namespace") == LUA_TSTRING, NEW_SIGNATURE);
  size_t size;
  const char *name_space = lua_tolstring(L, -1, &size);
  raise_if(L, emf_begin(&self->emf, name_space, size), name_space, NEW_SIGNATURE);
  lua_pop(L, 1);
  add_dimensions(L, &self->emf);
  add_properties(L, self);
  if (lua_getfield(L, 1, "timestamp") != LUA_TNIL) {
    int whole;
    self->timestamp = lua_tointegerx(L, -1, &whole);
    binding_expect(L, whole && self->timestamp >= 0, NEW_SIGNATURE);
  }
  if (self->emf.failed) return luaL_error(L, "not enough memory for a metric writer");
  lua_settop(L, 2);
  return 1;
}

/* Whether CloudWatch takes the value at index, a number or a list of numbers: it stores what lies
 * between -2^360 and 2^360. */
static bool is_storable(lua_State *L, int index, lua_Integer count) {
  bool storable = true;
  for (lua_Integer i = 1; i <= count && storable; i++) {
    if (lua_istable(L, index))
      lua_rawgeti(L, index, i);
    else
      lua_pushvalue(L, index);
    binding_expect(L, lua_type(L, -1) == LUA_TNUMBER, METRIC_SIGNATURE);
    storable = fabs(lua_tonumber(L, -1)) <= 0x1p360;
    lua_pop(L, 1);
  }
  return storable;
}

static int writer_metric(lua_State *L) {
  writer *self = check_writer(L);
  binding_expect(L, lua_type(L, 2) == LUA_TSTRING && !lua_isnone(L, 3), METRIC_SIGNATURE);
  bool list = lua_istable(L, 3);
  lua_Integer count = list ? (lua_Integer)lua_rawlen(L, 3) : 1;
  const char *unit_name = luaL_optstring(L, 4, "None");
  lua_Integer resolution = luaL_optinteger(L, 5, 60);
  int unit = emf_unit(unit_name);
  raise_if(L, unit < 0 ? "CloudWatch has no such unit" : NULL, unit_name, METRIC_SIGNATURE);
  binding_expect(L, resolution == 1 || resolution == 60, METRIC_SIGNATURE);
  size_t size, metric;
  const char *name = lua_tolstring(L, 2, &size);
  if (!is_storable(L, 3, count))
    return binding_fail(L, "InvalidValue", "metric '%s': a value is not between -2^360 and 2^360",
                        name);
  raise_if(L, emf_metric(&self->emf, name, size, unit, (int)resolution, &metric), name,
           METRIC_SIGNATURE);
  for (lua_Integer i = 1; i <= count && !self->emf.failed; i++) {
    if (list) lua_rawgeti(L, 3, i);
    emf_value(&self->emf, metric, lua_tonumber(L, list ? -1 : 3));
    if (list) lua_pop(L, 1);
  }
  if (self->emf.failed) return luaL_error(L, "not enough memory for a metric");
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
  bool made = emf_line(&self->emf, timestamp, self->extra.data, self->extra.size, &self->line);
  if (self->emf.failed) luaL_error(L, "not enough memory for a line of metrics");
  return made;
}

/* The descriptor behind a file, with what Lua wrote to it before sent first. */
static int descriptor_of(lua_State *L, int index) {
  static const char *const signature = "writer:flush([file or descriptor])";
  if (lua_isinteger(L, index)) return (int)lua_tointeger(L, index);
  FILE *file = stdout;
  if (!lua_isnoneornil(L, index)) {
    const luaL_Stream *stream = luaL_testudata(L, index, LUA_FILEHANDLE);
    binding_expect(L, stream && stream->closef, signature);
    file = stream->f;
  }
  fflush(file);
  return fileno(file);
}

static int writer_flush(lua_State *L) {
  writer *self = check_writer(L);
  int descriptor = descriptor_of(L, 2);
  lua_Integer lines = 0;
  self->extra.size = 0;
  for (; next_line(L, self); lines++) {
    int error = emf_write(descriptor, &self->line);
    if (error) return binding_fail(L, "WriteFailed", "cannot write metrics: %s", strerror(error));
    emf_taken(&self->emf);
  }
  lua_pushinteger(L, lines);
  return 1;
}

static int writer_lines(lua_State *L) {
  writer *self = check_writer(L);
  self->extra.size = 0;
  if (!lua_isnoneornil(L, 2)) {
    lua_settop(L, 2);
    write_properties(L, self, &self->extra, "writer:lines([properties])", emf_check_property);
  }
  lua_newtable(L);
  for (lua_Integer i = 1; next_line(L, self); i++) {
    lua_pushlstring(L, self->line.data, self->line.size - 1); // without the newline
    lua_rawseti(L, -2, i);
    emf_taken(&self->emf);
  }
  return 1;
}

static int writer_collect(lua_State *L) {
  writer *self = check_writer(L);
  emf_free(&self->emf);
  text_buffer_free(&self->line);
  text_buffer_free(&self->extra);
  return 0;
}

int luaopen_weir_emf(lua_State *L) {
  static const luaL_Reg methods[] = {{"metric", writer_metric},
                                     {"flush", writer_flush},
                                     {"lines", writer_lines},
                                     {"__gc", writer_collect},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"new", emf_new}, {NULL, NULL}};
  luaL_newmetatable(L, WRITER);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
