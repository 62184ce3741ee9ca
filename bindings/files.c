/* weir.files: read, list and describe what is on disk, and make directories. A path is not empty
 * and has no NUL byte; "-" is standard input.
 *
 *   read(path, limit) → the whole file, at most limit bytes
 *   list(path) → the names in a directory, in any order
 *   stat(path) → {type="file" | "directory" | "other", size= in bytes, modified_ns= since 1970,
 *               executable= by anybody}
 *   absolute(path) → the path as it is from anywhere: whole, without links, "." and "..";
 *               the layer has none
 *   make_directory(path) → true; those above it are made, too, and one that is there stays
 *   open(path) → file
 *   file:read() → the next bytes, at most 64 KiB; "" at the end
 *   file:close(); a file in a <close> variable is closed by its scope
 *
 * Each but close may answer nil, message, code: NotFound, PermissionDenied, … IoError
 * (host/core/system/files.c has the list; what is longer than the limit is a failure too).
 * Memory: text passes through a userdata that frees its buffer even when Lua raises; a file that is
 * still open is closed by the collector. */
#include "core/system/files.h"

#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "registry.h"

static const char FILE_TYPE[] = "weir.files.file";

enum { CHUNK = 64 * 1024 };

/* Filled with zeros, it holds no file. User value 1 is the path, for messages. */
typedef struct {
  bool open;
  int descriptor;
} file;

static int fail(lua_State *L, const char *path, int error) {
  const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
  return binding_fail(L, files_error_code(error), "%s: %s", name, files_error_text(error));
}

/* ── Functions ── */

static const char *check_path(lua_State *L, const char *signature) {
  const char *path = binding_argument_name(L, 1, signature);
  binding_expect(L, *path != '\0', signature);
  return path;
}

static const char READ_SIGNATURE[] = "weir.files.read(path, limit in bytes)";

static int lua_files_read(lua_State *L) {
  binding_argument_most(L, 2, READ_SIGNATURE);
  const char *path = check_path(L, READ_SIGNATURE);
  lua_Integer limit = binding_argument_integer(L, 2, 1, LUA_MAXINTEGER, READ_SIGNATURE);

  text_buffer *buffer = binding_buffer_push(L);
  int error = files_read(path, (size_t)limit, buffer);
  if (error) {
    text_buffer_free(buffer);
    return fail(L, path, error);
  }

  binding_buffer_finish(L, buffer);
  return 1;
}

static const char LIST_SIGNATURE[] = "weir.files.list(path)";

static int lua_files_list(lua_State *L) {
  lua_settop(L, 1);
  const char *path = check_path(L, LIST_SIGNATURE);

  text_buffer *buffer = binding_buffer_push(L);
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

static const char STAT_SIGNATURE[] = "weir.files.stat(path)";

static int lua_files_stat(lua_State *L) {
  static const char *const types[] = {
      [FILES_FILE] = "file", [FILES_DIRECTORY] = "directory", [FILES_OTHER] = "other"};
  files_status status;
  lua_settop(L, 1);
  const char *path = check_path(L, STAT_SIGNATURE);

  int error = files_stat(path, &status);
  if (error) return fail(L, path, error);

  lua_createtable(L, 0, 4);
  binding_set_text(L, "type", types[status.type]);
  binding_set_integer(L, "size", status.size);
  binding_set_integer(L, "modified_ns", status.modified_ns);
  binding_set_boolean(L, "executable", status.executable);

  return 1;
}

#ifdef WEIR_EMULATOR /* which alone asks for it */
static const char ABSOLUTE_SIGNATURE[] = "weir.files.absolute(path)";

static int lua_files_absolute(lua_State *L) {
  lua_settop(L, 1);
  const char *path = check_path(L, ABSOLUTE_SIGNATURE);

  text_buffer *buffer = binding_buffer_push(L);
  int error = files_absolute(path, buffer);
  if (error) return fail(L, path, error);

  binding_buffer_finish(L, buffer);
  return 1;
}
#endif

static const char MAKE_DIRECTORY_SIGNATURE[] = "weir.files.make_directory(path)";

static int lua_files_make_directory(lua_State *L) {
  lua_settop(L, 1);
  const char *path = check_path(L, MAKE_DIRECTORY_SIGNATURE);

  int error = files_make_directory(path);
  if (error) return fail(L, path, error);

  lua_pushboolean(L, true);
  return 1;
}

static const char OPEN_SIGNATURE[] = "weir.files.open(path)";

static int lua_files_open(lua_State *L) {
  lua_settop(L, 1);
  const char *path = check_path(L, OPEN_SIGNATURE);

  file *opened = binding_owner_push(L, FILE_TYPE, sizeof *opened, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  int error = files_open(path, &opened->descriptor);
  if (error) return fail(L, path, error);

  opened->open = true;
  return 1;
}

/* ── An open file ── */

static const char FILE_READ_SIGNATURE[] = "file:read() on an open file";

static int lua_files_file_read(lua_State *L) {
  file *self = binding_argument_self(L, FILE_TYPE, FILE_READ_SIGNATURE);
  lua_settop(L, 1);
  binding_expect(L, self->open, FILE_READ_SIGNATURE);

  text_buffer *buffer = binding_buffer_push(L);
  int error = files_read_some(self->descriptor, CHUNK, buffer);
  if (error) {
    lua_getiuservalue(L, 1, 1);
    return fail(L, lua_tostring(L, -1), error);
  }

  binding_buffer_finish(L, buffer);
  return 1;
}

static void close_file(lua_State *L, const char *signature) {
  file *self = binding_argument_self(L, FILE_TYPE, signature);
  if (self->open) close(self->descriptor);
  self->open = false;
}

static int lua_files_file_close(lua_State *L) {
  close_file(L, "file:close()");
  return 0;
}

static int lua_files_file_gc(lua_State *L) {
  close_file(L, "a file");
  return 0;
}

int luaopen_weir_files(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(files_file, gc),
                                         BINDING_METAMETHOD(files_file, close), BINDING_END};
  static const luaL_Reg methods[] = {BINDING_FUNCTION(files_file, read),
                                     BINDING_FUNCTION(files_file, close), BINDING_END};
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(files, read),     BINDING_FUNCTION(files, list),
      BINDING_FUNCTION(files, stat),     BINDING_FUNCTION(files, make_directory),
#ifdef WEIR_EMULATOR
      BINDING_FUNCTION(files, absolute),
#endif
      BINDING_FUNCTION(files, open),     BINDING_END};
  binding_type_register(L, FILE_TYPE, metamethods, methods);
  luaL_newlib(L, functions);

  return 1;
}
