/* weir.files: read, list and describe what is on disk, with the error rule of every binding.
 * Memory: text passes through a userdata that frees its buffer even when Lua raises; an open file
 * is closed by close(), by its scope (<close>) or by the collector. */
#include "core/system/files.h"
#include "binding.h"
#include "registry.h"

#include <string.h>
#include <unistd.h>

#define BUFFER_TYPE "weir.files.buffer"
#define FILE_TYPE "weir.files.file"
enum { CHUNK = 64 * 1024 };

/* A buffer that the collector frees: results are copied to Lua strings, which can raise. */
static text_buffer *push_buffer(lua_State *L) {
  text_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (text_buffer){0};
  luaL_setmetatable(L, BUFFER_TYPE);
  return buffer;
}

static int buffer_free(lua_State *L) {
  text_buffer_free(luaL_checkudata(L, 1, BUFFER_TYPE));
  return 0;
}

static int fail(lua_State *L, const char *path, int error) {
  const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
  return binding_fail(L, files_error_code(error), "%s: %s", name, files_error_text(error));
}

/* A path as C sees it: a NUL inside would silently name another file. */
static const char *check_path(lua_State *L, const char *signature) {
  size_t size;
  const char *path = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &size) : NULL;
  binding_expect(L, path && size > 0 && strlen(path) == size, signature);
  return path;
}

static int files_read_(lua_State *L) {
  const char *signature = "read(path, integer limit in bytes)";
  const char *path = check_path(L, signature);
  int is_integer;
  lua_Integer limit = lua_tointegerx(L, 2, &is_integer);
  binding_expect(L, is_integer && limit > 0 && lua_gettop(L) == 2, signature);
  text_buffer *buffer = push_buffer(L);
  int error = files_read(path, (size_t)limit, buffer);
  if (error) {
    text_buffer_free(buffer);
    return fail(L, path, error);
  }
  lua_pushlstring(L, buffer->data ? buffer->data : "", buffer->size);
  text_buffer_free(buffer);
  return 1;
}

static int files_list_(lua_State *L) {
  const char *path = check_path(L, "list(path)");
  text_buffer *buffer = push_buffer(L);
  int error = files_list(path, buffer);
  if (error) return fail(L, path, error);
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < buffer->size; at += strlen(buffer->data + at) + 1) {
    lua_pushstring(L, buffer->data + at);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static int files_stat_(lua_State *L) {
  static const char *const types[] = {
      [FILES_FILE] = "file", [FILES_DIRECTORY] = "directory", [FILES_OTHER] = "other"};
  const char *path = check_path(L, "stat(path)");
  files_status status;
  int error = files_stat(path, &status);
  if (error) return fail(L, path, error);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, types[status.type]);
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, status.size);
  lua_setfield(L, -2, "size");
  lua_pushinteger(L, status.modified_ns);
  lua_setfield(L, -2, "modified_ns");
  return 1;
}

/* The descriptor, -1 once closed; user value 1 is the path, for messages. */
static int files_open_(lua_State *L) {
  const char *path = check_path(L, "open(path)");
  int *descriptor = lua_newuserdatauv(L, sizeof *descriptor, 1);
  *descriptor = -1;
  luaL_setmetatable(L, FILE_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  int error = files_open(path, descriptor);
  return error ? fail(L, path, error) : 1;
}

static int file_read(lua_State *L) {
  int *descriptor = luaL_checkudata(L, 1, FILE_TYPE);
  binding_expect(L, *descriptor >= 0, "file:read() on an open file");
  text_buffer *buffer = push_buffer(L);
  int error = files_read_some(*descriptor, CHUNK, buffer);
  if (error) {
    lua_getiuservalue(L, 1, 1);
    return fail(L, lua_tostring(L, -1), error);
  }
  lua_pushlstring(L, buffer->data, buffer->size);
  text_buffer_free(buffer);
  return 1;
}

static int file_close(lua_State *L) {
  int *descriptor = luaL_checkudata(L, 1, FILE_TYPE);
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
  return 0;
}

static void create_types(lua_State *L) {
  luaL_newmetatable(L, BUFFER_TYPE);
  lua_pushcfunction(L, buffer_free);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);

  static const luaL_Reg methods[] = {{"read", file_read}, {"close", file_close}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__gc", file_close}, {"__close", file_close}, {NULL, NULL}};
  luaL_newmetatable(L, FILE_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

int luaopen_weir_files(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"read", files_read_}, {"list", files_list_}, {"stat", files_stat_},
      {"open", files_open_}, {NULL, NULL},
  };
  create_types(L);
  luaL_newlib(L, functions);
  return 1;
}
