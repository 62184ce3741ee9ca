/* Lua runs out of memory at each allocation of a typical call of each binding function in turn: the
 * error is raised, nothing crashes, no descriptor stays open, and every block is freed once the
 * state is closed. */
#include <dirent.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry.h"
#include "support/live_blocks.h"

enum { ALLOCATIONS_MAX = 20000 };

/* Each chunk prepares a call and returns it as a function. `name` is the function that it is
 * about, as a comment for readers of a failure. */
typedef struct {
  const char *name, *chunk;
} call;

#define REQUEST                                                                                    \
  "{url='http://127.0.0.1:1/',headers={a='b',c={'d','e'}},direct=true,timeout_ms=1000}"
#define SIGNED                                                                                     \
  "{method='GET',url='https://a.amazonaws.com/x?y=z',service='s3',region='us-east-1',"             \
  "headers={a='b',c={'d',' e '}},body='x',credentials={access_key_id='a',"                         \
  "secret_access_key=require('weir.secret').wrap('b'),session_token='c'},time=1}"
#define ITEM "{a='x',b=1,c={1,2.5,'y'},d={e=true},f=M.set({'p','q'}),g=M.binary('z'),h=M.null}"

static const call calls[] = {
    {"body.json", "local v={a={'x',1,true},s=require('weir.secret').wrap('y'),r=M.raw('[1]')}"
                  " return function() return M.json(v) end"},
    {"body.raw", "return function() return tostring(M.raw('{}')), M.raw('{') end"},
    {"body.form", "return function() return M.form{a='b',c=1,d=true} end"},
    {"build.describe", "return function() return M.describe() end"},
    {"bytes.base64", "return function() return M.base64(('x'):rep(1000)), M.crc32('x') end"},
    {"command.run", "return function() return M.run{argv={'echo','hello'}} end"},
    {"command.run", "return function() return M.run{argv={'/nonexistent'}} end"},
    {"datagram.send", "return function() return M.send('127.0.0.1:9','x') end"},
    {"dynamodb.encode", "local i=" ITEM " return function() return M.encode(i), M.size(i) end"},
    {"dynamodb.encode", "return function() return M.encode{a={b=print}} end"},
    {"dynamodb.decode", "local t=M.encode" ITEM
                        " return function() return M.decode(t,{secret={'a'}}), M.decode('{') end"},
    {"dynamodb.decode_reply", "local t='{\"Items\":['..M.encode" ITEM "..'],\"Count\":1}'"
                              " return function() return M.decode_reply(t) end"},
    {"dynamodb.number",
     "return function() local n=M.number('1.23456789012345678901')"
     " return tostring(n), n < M.number(2), #M.binary('x'), M.list(), M.set{1,2} "
     "end"},
    {"emf.new", "return function() local w=M.new{namespace='n',dimensions={{a='b'},{c='d'}},"
                "properties={p={1}},timestamp=1} w:metric('m',{1,2},'Count',1):metric('n',3)"
                " return w end"},
    {"emf.collector", "return function() local c=M.collector{namespace='n',dimensions={a='b'},"
                      "properties={'p','request_id'}}"
                      " c:add('m',1,'Count',{c='d',e=1}) c:add('m',1,'x',{})"
                      " c:add('m',1,'Count',{c='d'}) c:again('m',2,'Count',{c='d'})"
                      " return c:lines('{\"p\":1}','r') end"},
    {"emf.collector", "return function() local c=M.collector{namespace='n',dimensions={a='b'},"
                      "properties={}}"
                      " local s=c:series{{name='m',unit='Count',dimensions={c='d',e=1}},"
                      "{name='n',unit='Count',dimensions={}}}"
                      " s:add(1,2) s:add(nil,3) return c:lines() end"},
    {"emf.flush", "local f=io.open('/dev/null','w') return function()"
                  " return M.new{namespace='n'}:metric('m',1):flush(f) end"},
    {"emulator.open",
     "return function() local e<close> =assert(M.open{program='/bin/true',"
     "argv0='bootstrap',handler='',function_name='f',task_root='/',layer='/',"
     "variables={'A=b'},qualifiers={'x'},port=0,timeout_s=3,memory_mb=128,concurrency=1,managed=0,"
     "json_logs=false,json_events=false}) return e:port() end"},
    {"files.read", "return function() return M.read('/etc/passwd',1e6), M.read('/',10) end"},
    {"files.list", "return function() return M.list('/'), M.list('/nonexistent') end"},
    {"files.stat", "return function() return M.stat('/'), M.stat('/nonexistent') end"},
    {"files.absolute", "return function() return M.absolute('/'), M.absolute('/nonexistent') end"},
    {"files.make_directory", "return function() return M.make_directory('/tmp'),"
                             " M.make_directory('/dev/null/x') end"},
    {"files.open", "return function() local f<close> =M.open('/etc/passwd') return f:read() end"},
    {"http.request", "return function() return M.request" REQUEST " end"},
    {"http.all", "return function() return M.all{" REQUEST "," REQUEST "} end"},
    {"json.decode", "return function() return M.decode('{\"a\":[1,2.5,\"x\\\\n\",null,{\"b\":{}}],"
                    "\"TaskToken\":\"t\"}',{secrets=true}), M.decode('[') end"},
    {"json.encode", "local v={a={1,2,{b='c'}},d=M.array(),e=M.null} return function()"
                    " return M.encode(v,{indent=2}), M.validate('{'), M.is_array(v) end"},
    {"pattern.compile", "return function() local m=M.compile{a={'b',{prefix='c'}}}"
                        " return m:match('{\"a\":\"b\"}'), m:explain('{\"a\":\"z\"}'),"
                        " M.compile('{\"a\":1}'), m:match('{'),"
                        " m:match_lines('{\"a\":\"b\"}\\n{}\\n',1,0,'line ','',{}) end"},
    {"pattern.set", "return function() local s=M.set{x='{\"a\":[1]}',y={b={2}}}"
                    " return s:match('{\"a\":1}'), M.set{z='{'} end"},
    {"policy_examples.read", "local s=require('weir.policy_set').load(DIRECTORY)"
                             " return function() return M.read(s) end"},
    {"policy_set.load", "return function() return M.load(DIRECTORY,{params={}}) end"},
    {"policy_set.load", "return function() return M.load('/nonexistent') end"},
    {"policy_set.load", "return function() return M.load('x',{bundle='nonsense'}) end"},
    {"policy_set.kinds",
     "return function() return M.kinds(DIRECTORY), M.kinds('/nonexistent') end"},
    {"policy_set.append", "return function() return M.append('/dev/null','x') end"},
    {"policy_set.decide",
     "local s=M.load(DIRECTORY) return function() return"
     " s:decide('routing','{\"file_count\":1}'), s:ask('routing','{\"file_count\":1}','x'),"
     " s:decide('routing','{}'), s:record('routing','{\"file_count\":1}') end"},
    {"policy_set.trace", "local s=M.load(DIRECTORY) return function() return"
                         " s:trace('routing','{\"file_count\":1}','{}'), s:trace('routing','{}'),"
                         " s:trace('x','{}') end"},
    {"policy_set.refresh",
     "local s=M.load(DIRECTORY) return function() return"
     " s:refresh('nonsense','x'), s:override{}, s:policies(), s:kinds(), s:digest(), s:directory(),"
     " s:bundle() end"},
    {"process",
     "return function() return M.timestamp(), M.new_id(), M.executable(), M.time(), M.deadline(),"
     " M.write(1,''), M.sleep(0) end"},
    {"recording.open", "return function() local r<close> =M.open(RECORDING) r:next('weights')"
                       " local d=r:next() return d and d.facts..'x', r:counts(),"
                       " r:next_record('weir.decision') end"},
    {"replay.run", "local s=require('weir.policy_set').load(DIRECTORY) return function() return"
                   " M.run{set=s,recordings={RECORDING,'/nonexistent'},jobs=2,details=true,"
                   "on_event=function(_,e) return e.type..'x' end,on_progress=function() end} end"},
    {"replay.combine", "local d='sha256:'..('0'):rep(64) return function()"
                       " return M.combine{{name='a',digest=d},{name='b',digest=d}} end"},
    {"secret", "return function() local s=M.wrap('abcdefgh') return M.hide('x abcdefgh',s), "
               "M.redact('abcdefgh',{s}), M.digest(s),"
               " M.candidates{s,{a='{\"token\":\"x\"}'}}, M.copy({a={1,{b='c'}}},{s}),"
               " M.environment('HOME'), M.equal(s,'x'), M.names('TaskToken'), tostring(s)..s end"},
    {"sha256.file", "return function() return M.file('/etc/passwd'), M.file('/nonexistent'),"
                    " M.hex('x') end"},
    {"sigv4.sign", "local r=" SIGNED " return function() local h=M.sign(r) return h.Host end"},
    {"sigv4.presign", "local r=" SIGNED " return function() return M.presign(r), M.encode('ä/'),"
                      " M.skew{code='x',date='y',received=1} end"},
    {"stats.windows", "return function() local w=M.windows():add{n1=2,x1=1,n0=2,x0=1}"
                      " return w:merge(w):counts() end"},
    {"stats.sketch",
     "return function() local s=M.sketch():add(1):add_all({1,2},M.welford()):add_bucket(900,2)"
     " s:merge(s) return s:buckets(), s:quantile(.5),"
     " M.ratio_interval{q=.5,sketch1=s,sketch0=s} end"},
    {"explore.run", "local s=require('weir.policy_set').load(DIRECTORY) return function() return"
                    " M.run{set=s,kind='routing',seeds={{facts='{\"file_count\":1}'}},seed=1,"
                    "tries=40,jobs=1,on_progress=function() end} end"},
    {"simulate.run",
     "local s=require('weir.policy_set').load(DIRECTORY) local w={look_minutes=5,days=.02,sigma=.5,"
     "p99_ms=160,traffic=600} for n in ('error_rate share warm_up_minutes errors_added "
     "errors_factor"
     " p99_factor from_minutes until_minutes lost level_sd level_memory burst_share burst_factor"
     " traffic_factor traffic_from daily_peak load_errors cold_minutes cold_error_rate"
     " cold_p99_factor incidents_a_day incident_minutes incident_error_rate"
     " incident_p99_factor'):gmatch('%S+') do w[n]=.5 end return function() return"
     " M.run{set=s,scenario=w,seed=1,runs=3,jobs=1,on_progress=function() return {} end} end"},
    {"stats.trial", "return function() local t=M.trial{warm_up=0} local s=M.sketch():add(1)"
                    " t:add{from=0,to=1,share1=.1,share0=.9,n1=2,x1=1,n0=2,x0=1,sketch1=s,"
                    "sketch0=s} return t:evidence(), t:restore(t:save()) end"},
    {"stats.welford", "return function() local v=M.welford():add(1) return v:merge(v):mean() end"},
    {"stats.rank_test", "return function() return M.rank_test({2,1},{3}), M.holm{.1,.2},"
                        " M.cloudwatch({1,2},'p90'), M.split_log_bayes({1,2},{1,1}) end"},
    {"stats.boundaries", "return function() return"
                         " M.boundaries{spending='pocock',times={.5,1}} end"},
    {"terminal", "return function() return M.columns(0), M.is_terminal(1) end"},
    {"text", "return function() return M.edit_distance('ab', 'ba'), M.likely_distance(9) end"},
    {"xml.decode", "return function() return M.decode('<a>t<b c=\"d\">u</b></a>'), M.decode('<a')"
                   " end"},
};

/* ── An allocator that fails ── */

typedef struct {
  long count, fails_at; /* fails_at 0: never */
  bool for_ever;        /* otherwise once, and again when Lua retries after collecting */
  bool failed;
} memory;

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  memory *m = context;
  if (new_size == 0) {
    free(block);
    return NULL;
  }

  bool grows = !block || new_size > old_size;
  if (m->fails_at > 0 && grows) {
    m->count++;
    if (m->count >= m->fails_at && (m->for_ever || m->count <= m->fails_at + 1)) {
      m->failed = true;
      return NULL;
    }
  }

  return realloc(block, new_size);
}

static void arm(memory *m, long fails_at) {
  m->count = 0;
  m->fails_at = fails_at;
  m->failed = false;
}

static lua_State *new_state(memory *m) {
  lua_State *L = lua_newstate(allocate, m);
  assert_non_null(L);
  *(void **)lua_getextraspace(L) = NULL;
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const luaL_Reg *binding = registry_bindings; binding->name; binding++) {
    lua_pushcfunction(L, binding->func);
    lua_setfield(L, -2, binding->name);
  }

  lua_settop(L, 0);

  return L;
}

static int count_descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  assert_non_null(directory);
  while (readdir(directory)) count++;
  closedir(directory);

  return count;
}

static char recording[] = "/tmp/weir-allocation-XXXXXX";

static const luaL_Reg *find_binding(const char *module) {
  const luaL_Reg *binding = registry_bindings;
  while (binding->name && strcmp(binding->name, module) != 0) binding++;
  return binding->name ? binding : NULL;
}

/* "emf.flush" is about weir.emf. */
static void name_module(const call *c, char module[64]) {
  snprintf(module, 64, "weir.%.*s", (int)strcspn(c->name, "."), c->name);
}

/* Leaves the call, a function, on the stack. */
static void prepare(lua_State *L, const call *c, const char *module) {
  static const char header[] = "local DIRECTORY, RECORDING, name = ... local M = require(name) ";
  lua_pushfstring(L, "%s%s", header, c->chunk);
  if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_pushstring(L, WEIR_TESTS_DIR "/../policies");
  lua_pushstring(L, recording);
  lua_pushstring(L, module);
  if (lua_pcall(L, 3, 1, 0) != LUA_OK) fail_msg("%s: %s", c->name, lua_tostring(L, -1));
}

/* Calls what is on the stack while the nth allocation fails. False once none failed. */
static bool call_failing(lua_State *L, memory *m, long n, const char *name) {
  lua_pushvalue(L, -1);
  arm(m, n);
  int status = lua_pcall(L, 0, 0, 0);
  bool failed = m->failed;
  arm(m, 0);

  if (status != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    bool expected =
        message && (strstr(message, "not enough memory") || strstr(message, "stack overflow"));
    if (!failed || !expected)
      fail_msg("%s, allocation %ld: %s", name, n, message ? message : "(no text)");
    lua_pop(L, 1);
  }

  return failed;
}

/* How often a call failed before it went through. */
static long call_until_fine(const call *c, const char *module, bool for_ever) {
  memory m = {.for_ever = for_ever};
  lua_State *L = new_state(&m);
  prepare(L, c, module);
  long n = 1;
  while (call_failing(L, &m, n, c->name)) {
    n++;
    assert_true(n < ALLOCATIONS_MAX);
  }

  lua_close(L);

  return n - 1;
}

static void call_once(const call *c, const char *module) {
  memory m = {0};
  lua_State *L = new_state(&m);
  prepare(L, c, module);
  call_failing(L, &m, 0, c->name);
  lua_close(L);
}

/* The first call leaves what a library keeps for the whole process. */
static long run(const call *c, bool for_ever) {
  char module[64];
  name_module(c, module);
  if (!find_binding(module)) return 0; /* a build without it */

  call_once(c, module);
  int descriptors = count_descriptors();
  long blocks = live_blocks();
  long failures = call_until_fine(c, module, for_ever);
  if (count_descriptors() != descriptors) fail_msg("%s leaves descriptors open", c->name);
  if (live_blocks() != blocks)
    fail_msg("%s leaves %ld blocks behind", c->name, live_blocks() - blocks);
  return failures;
}

enum { FAILURES_LEAST = 500 }; /* fewer, and the allocator does not fail as it should */

static void run_all(bool for_ever) {
  long failures = 0;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) failures += run(&calls[i], for_ever);
  assert_true(failures > FAILURES_LEAST);
}

static void every_call_survives_one_failure(void **state) {
  (void)state;
  run_all(false);
}

static void every_call_survives_no_memory_at_all(void **state) {
  (void)state;
  run_all(true);
}

/* A module whose opening failed can be opened again, and works. */
static void every_module_opens_again(void **state) {
  (void)state;
  for (const luaL_Reg *binding = registry_bindings; binding->name; binding++) {
    memory m = {0};
    lua_State *L = new_state(&m);
    lua_pushcfunction(L, binding->func);
    long n = 1;
    while (call_failing(L, &m, n, binding->name)) n++;
    assert_true(n > 1);
    lua_close(L);
  }
}

/* What is not called here, and why. */
static void every_module_is_called(void **state) {
  (void)state;
  for (const luaL_Reg *binding = registry_bindings; binding->name; binding++) {
    bool called = strcmp(binding->name, "weir.invocation") == 0; /* needs the Lambda runtime */
    for (size_t i = 0; i < sizeof calls / sizeof *calls && !called; i++) {
      char module[64];
      name_module(&calls[i], module);
      called = strcmp(module, binding->name) == 0;
    }

    if (!called) fail_msg("%s is not called", binding->name);
  }
}

static int write_recording(void **state) {
  (void)state;
  int descriptor = mkstemp(recording);
  static const char lines[] = "{\"schema\":\"weir.decision/2\"}\nnonsense\n";
  bool written = descriptor >= 0 && write(descriptor, lines, sizeof lines - 1) > 0;

  return written && close(descriptor) == 0 ? 0 : -1;
}

static int remove_recording(void **state) {
  (void)state;
  return unlink(recording);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_module_is_called),
      cmocka_unit_test(every_module_opens_again),
      cmocka_unit_test(every_call_survives_one_failure),
      cmocka_unit_test(every_call_survives_no_memory_at_all),
  };
  return cmocka_run_group_tests(tests, write_recording, remove_recording);
}
