/* coroutine.resume and coroutine.wrap as Lua has them (lcorolib.c). Besides, they tell the poller
 * which coroutine runs: the hook that stops a handler belongs to one coroutine. When a coroutine
 * was stopped, the one that resumed it is stopped when control comes back to it. See impl.h.
 * Memory: Lua's. */
#include <lauxlib.h>

#include "lambda/impl.h"

/* Resumes with the arguments on top of the stack. The number of results, or -1 and a message. */
static int resume(lua_State *L, lua_State *coroutine, int arguments) {
  lambda_poller *self = lambda_poller_of(L);
  lua_State *resumer = self->running;
  int results;
  if (!lua_checkstack(coroutine, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }

  lua_xmove(L, coroutine, arguments);
  lambda_deadline_enter(self, coroutine);
  int status = lua_resume(coroutine, L, arguments, &results);
  lambda_deadline_enter(self, resumer);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(coroutine, L, 1);
    return -1;
  }

  if (!lua_checkstack(L, results + 1)) {
    lua_pop(coroutine, results);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }

  lua_xmove(coroutine, L, results);

  return results;
}

static int coroutine_resume(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, 1);
  luaL_argexpected(L, coroutine, 1, "thread");
  int results = resume(L, coroutine, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0);
  if (results < 0) results = 1; /* the message */
  lua_insert(L, -1 - results);

  return results + 1;
}

static int call_wrapped(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, lua_upvalueindex(1));
  int results = resume(L, coroutine, lua_gettop(L));
  if (results >= 0) return results;
  int status = lua_status(coroutine);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = lua_resetthread(coroutine); /* closes its variables; gives the error again */
    lua_xmove(coroutine, L, 1);
  }

  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }

  return lua_error(L);
}

static int coroutine_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *coroutine = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, coroutine, 1);
  lua_pushcclosure(L, call_wrapped, 1);

  return 1;
}

int lambda_coroutine_install(lua_State *L) {
  lua_getglobal(L, "coroutine");
  lua_pushcfunction(L, coroutine_resume);
  lua_setfield(L, -2, "resume");
  lua_pushcfunction(L, coroutine_wrap);
  lua_setfield(L, -2, "wrap");

  return 0;
}
