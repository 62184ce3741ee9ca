/* The worst that a policy can do to time: every library function and operator in a tight loop, with
 * arguments that are sized to hurt, under the limits of a real decision; and the worst inputs for
 * the compiler. A row of each part has the slowest case; standard error has the ten slowest, with
 * the median of five. What it aims at: 100 ms a decision, 1 s a file.
 *
 *     worst_case_bench [operators | errors | functions | files]
 *
 * Memory: a state lives for one measurement. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_row.h"
#include "sandbox/base.h"
#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "script/seed.h"

enum {
  INSTRUCTIONS = 200 * 1000,
  LOAD_INSTRUCTIONS = 20 * 1000 * 1000,
  MEMORY = 4 * 1024 * 1024,
  LOAD_MEMORY = 16 * 1024 * 1024,
  FILE_SIZE = 256 * 1024,
  ROUNDS = 5,
  WORST = 10,
  MOST_CASES = 4000,
};

typedef struct {
  char *code;
  double times[ROUNDS]; /* milliseconds, ascending */
  double milliseconds;
} measurement;

static measurement measured[MOST_CASES];
static size_t measured_count, offered_count;

static double now(void) {
  return bench_now() * 1e3;
}

static int compare_numbers(const void *a, const void *b) {
  double first = *(const double *)a, second = *(const double *)b;
  return (first > second) - (first < second);
}

static int compare_measurements(const void *a, const void *b) {
  double first = ((const measurement *)a)->milliseconds;
  double second = ((const measurement *)b)->milliseconds;
  return (first < second) - (first > second);
}

/* ---- A state ---- */

static int open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {{"string", sandbox_open_string},
                                       {"table", sandbox_open_table},
                                       {"math", sandbox_open_math},
                                       {"utf8", sandbox_open_utf8}};
  sandbox_open_base(L);
  for (lua_pushnil(L); lua_next(L, 1);) lua_setglobal(L, lua_tostring(L, -2));
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    libraries[i].func(L);
    lua_setglobal(L, libraries[i].name);
  }
  return 0;
}

static lua_State *new_state(sandbox_budget *budget) {
  *budget = (sandbox_budget){.instruction_limit = LOAD_INSTRUCTIONS,
                             .memory_limit = LOAD_MEMORY,
                             .blocks = lua_allocator_for_state()};
  lua_State *L = script_seed_new_state(sandbox_budget_allocate, budget, SCRIPT_SEED_FIXED);
  lua_allocator_release(budget->blocks);
  sandbox_budget_attach(L, budget);
  lua_pushcfunction(L, open_libraries);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) abort();
  return L;
}

/* ---- Decisions ---- */

/* Milliseconds of the code as one decision; negative when it does not compile. */
static double decide_once(const char *code) {
  sandbox_budget budget;
  lua_State *L = new_state(&budget);
  sandbox_budget_start(L);
  if (luaL_loadbufferx(L, code, strlen(code), "@policy.lua", "t") != LUA_OK) {
    fprintf(stderr, "%.200s\n  %s\n", code, lua_tostring(L, -1));
    lua_close(L);
    return -1;
  }
  sandbox_budget_change(L, INSTRUCTIONS, MEMORY);
  double start = now();
  sandbox_budget_start(L);
  lua_pcall(L, 0, 0, 0);
  double took = now() - start;
  sandbox_budget_stop(L);
  lua_close(L);
  return took;
}

static double compile_once(const char *code) {
  sandbox_budget budget;
  lua_State *L = new_state(&budget);
  double start = now();
  sandbox_budget_start(L);
  luaL_loadbufferx(L, code, strlen(code), "@policy.lua", "t");
  double took = now() - start;
  sandbox_budget_stop(L);
  lua_close(L);
  return took;
}

/* One round first; the others only for what is slow. Takes the code over. */
static void measure(char *code, double (*run)(const char *code)) {
  enum { QUICK_STEP = 50 };
  if (bench_is_quick() && offered_count++ % QUICK_STEP != 0) {
    free(code);
    return;
  }
  double times[ROUNDS] = {run(code)};
  if (times[0] >= 5)
    for (int i = 1; i < ROUNDS; i++) times[i] = run(code);
  else
    for (int i = 1; i < ROUNDS; i++) times[i] = times[0];
  qsort(times, ROUNDS, sizeof *times, compare_numbers);
  if (measured_count == MOST_CASES || times[0] < 0) abort();
  measurement *of = &measured[measured_count++];
  *of = (measurement){.code = code, .milliseconds = times[ROUNDS / 2]};
  memcpy(of->times, times, sizeof times);
}

/* Values that hurt, by what they are: each expression is made once, before the loop. */
static const char *const values[] = {
    "('0'):rep(1000000)",
    "('1'):rep(999)",
    "('0'):rep(300) .. ('1'):rep(690)",
    "('x'):rep(1000000)",
    "('\\0'):rep(1000000)",
    "('%'):rep(100000)",
    "('a,'):rep(50000)",
    "(' '):rep(500000)",
    "'\\xff' .. ('\\xe2\\x82\\xac'):rep(200000)",
    "('\\xe2\\x82\\xac'):rep(200000)",
    "'%99.99f'",
    "('%99.99f'):rep(50)",
    "('%q'):rep(50)",
    "('.-'):rep(30) .. 'b'",
    "('[' .. ('^a-z'):rep(2000) .. ']')",
    "'10'",
    "''",
    "1e308",
    "5e-324",
    "0/0",
    "1e308 * 10",
    "-1",
    "math.maxinteger",
    "math.mininteger",
    "3",
    "30000",
    "1000000",
    "list(30000)",
    "list(1000)",
    "texts(1000)",
    "collide(600)",
    "empty(60000)",
    "{n = 1}",
    "function(a, b) return a end",
    "function(...) return ... end",
    "nil",
    "true",
};

enum { VALUES = sizeof values / sizeof *values };

static const char helpers[] =
    "local function list(n) local t = {} for i = 1, n do t[i] = i end return t end\n"
    "local function texts(n) local t = {} for i = 1, n do t[i] = ('x'):rep(200) .. i end return t "
    "end\n"
    "local function collide(n) local t = {} for i = 1, n do t[i << 32] = i end return t end\n"
    "local function empty(n) local t = {} for i = 1, n do t['k' .. i % 6000] = i end\n"
    "  for i = 0, 5999 do t['k' .. i] = nil end return t end\n";

static const char *const functions[] = {
    "assert",         "error",       "ipairs",         "next",           "pairs",
    "pcall",          "select",      "tonumber",       "tostring",       "type",
    "string.byte",    "string.char", "string.find",    "string.format",  "string.gmatch",
    "string.gsub",    "string.len",  "string.lower",   "string.match",   "string.rep",
    "string.reverse", "string.sub",  "string.upper",   "table.concat",   "table.insert",
    "table.move",     "table.pack",  "table.remove",   "table.sort",     "table.unpack",
    "math.abs",       "math.ceil",   "math.floor",     "math.fmod",      "math.max",
    "math.min",       "math.modf",   "math.sqrt",      "math.tointeger", "math.type",
    "math.ult",       "utf8.char",   "utf8.codepoint", "utf8.codes",     "utf8.len",
    "utf8.offset",
};

/* pcall in the loop, so that a mistake does not end it. */
static void try_function(const char *function, const char *const *arguments, int count) {
  char *code = NULL, list[400] = "", names[40] = "";
  for (int i = 0; i < count; i++) {
    char name[8];
    snprintf(name, sizeof name, ", a%d", i);
    strcat(names, name);
  }
  if (asprintf(&code,
               "%slocal f = %s\nlocal a0, a1, a2 = %s, %s, %s\n"
               "local pcall = pcall\nwhile true do pcall(f%s) pcall(f%s) pcall(f%s) end\n-- %s(%s",
               helpers, function, count > 0 ? arguments[0] : "nil",
               count > 1 ? arguments[1] : "nil", count > 2 ? arguments[2] : "nil", names, names,
               names, function, list) < 0)
    abort();
  measure(code, decide_once);
}

static void try_functions(void) {
  uint64_t random = 88172645463325252u;
  for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
    const char *arguments[3];
    for (size_t i = 0; i < VALUES; i++) {
      arguments[0] = values[i];
      try_function(functions[f], arguments, 1);
    }
    for (int i = 0; i < 40; i++) { /* pairs and triples, a seeded choice of them */
      for (int j = 0; j < 3; j++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        arguments[j] = values[(random >> 20) % VALUES];
      }
      try_function(functions[f], arguments, 2 + i % 2);
    }
  }
}

/* BODY is repeated without end; SETUP runs once. */
static const struct {
  const char *setup, *body;
} operators[] = {
    {"local a, b = ('x'):rep(1000000), ('x'):rep(1000000)", "local c = a == b"},
    {"local a, b = ('x'):rep(1000000), ('x'):rep(1000000)", "local c = a < b"},
    {"local a, b = ('x'):rep(1000000), ('x'):rep(1000000)", "local c = a <= b"},
    {"local a, b = ('\\0'):rep(1000000), ('\\0'):rep(1000000)", "local c = a < b"},
    {"local a, b, t = ('x'):rep(1000000), ('x'):rep(1000000), {} t[a] = 1", "local c = t[b]"},
    {"local a, b, t = ('x'):rep(1000000), ('x'):rep(1000000), {} t[a] = 1", "t[b] = 2"},
    {"local a, b, t = ('x'):rep(1000), ('x'):rep(1000), {} t[a] = 1", "local c = t[b]"},
    {"local t, k = {}, {} for i = 1, 2000 do k[i] = ('x'):rep(1000) .. i t[k[i]] = i end",
     "for i = 1, 2000 do local c = t[k[i]] end"},
    {"local x, y = 1e308, 5e-324", "local c = x % y"},
    {"local x, y = 1e308, 3.0", "local c = x % y c = x // y c = x ^ y c = x / y"},
    {"local x, y = math.mininteger, 3", "local c = x % y c = x // y c = x * y"},
    {"local x = 1e308", "local c = x .. ''"},
    {"local x = 1e-308 / 3", "local c = x .. x .. x .. x .. x .. x .. x .. x .. x .. x"},
    {"local x = math.mininteger", "local c = x .. x .. x .. x .. x .. x .. x .. x .. x .. x"},
    {"local s = ('0'):rep(999)", "for i = 1, s do break end"},
    {"local s = ('0'):rep(1000000)", "pcall(function() for i = 1, s do end end)"},
    {"local s = ('0'):rep(999)", "local c = pcall(function() return s + 1 end)"},
    {"local s = ('0'):rep(999)", "local c = pcall(function() return s | 1 end)"},
    {"local t = {} for i = 1, 600 do t[i << 32] = i end",
     "local c = t[600 << 32] c = t[599 << 32] c = t[1 << 32] c = t[601 << 32]"},
    {"local t = {} for i = 1, 600 do t[i << 32] = i end",
     "for k in pairs(t) do local c = t[k] end"},
    {"local t = {} for i = 1, 600 do t[i + 0.5] = i end", "local c = t[0.25] c = t[600.5]"},
    {"local t = {}", "t = {} for i = 1, 1e9 do t[i * 1048575] = i end"},
    {"local t = {}", "t = {} for i = 1, 1e9 do t[(i << 31) - i] = i end"},
    {"local t = {} for i = 1, 16384 do t[i] = i end", "t.a = 1 t.a = nil t.b = 1 t.b = nil"},
    {"local t = {} for i = 1, 6000 do t['k' .. i] = i end for i = 1, 6000 do t['k' .. i] = nil end",
     "local c = next(t)"},
    {"local t = {} for i = 1, 6000 do t['k' .. i] = i end for i = 1, 6000 do t['k' .. i] = nil end",
     "pairs(t)"},
    {"local t = {} for i = 1, 60000 do t[i] = i end for i = 1, 59999 do t[i] = nil end",
     "local c = next(t) c = #t"},
    {"local t = {} for i = 1, 60000 do t[i] = i end", "local c = #t t[#t] = nil"},
    {"local t = {} for i = 1, 30000 do t[i] = i end local f = function(...) return ... end",
     "f(table.unpack(t))"},
    {"local t = {} for i = 1, 30000 do t[i] = i end local f = function(...) return select('#', "
     "...) "
     "end",
     "f(table.unpack(t))"},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) while true do select('#', ...) end end f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function g(...) end local function f(...) while true do g(...) end end "
     "f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) while true do local a, b = ... end end f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) return f(...) end f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) return (pcall(f, ...)) end f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) while true do local t = {...} end end f(table.unpack(t))",
     ""},
    {"local t = {} for i = 1, 30000 do t[i] = i end\n"
     "local function f(...) while true do math.max(...) string.char(1, 2, ...) end end "
     "pcall(f, table.unpack(t))",
     ""},
    {"", "pcall(error)"},
    {"", "pcall(error, {})"},
    {"", "pcall(error, 'x', 2)"},
    {"", "pcall(string.rep)"},
    {"local e = error local function f(n) if n == 0 then while true do pcall(e, 'x', 200) end end "
     "return 1 + f(n - 1) end f(9000)",
     ""},
    {"local function f(n) if n == 0 then while true do pcall(error, 'x') end end "
     "return 1 + f(n - 1) end f(9000)",
     ""},
    {"local function f() pcall(f) pcall(f) end f()", ""},
    {"local function f() local a <const> = 1 return 1 + f() end", "pcall(f)"},
    {"", "local t = {} for i = 1, 1e9 do t = {t, t, t} end"},
    {"", "local t = {} for i = 1, 1e9 do t[#t + 1] = function() return t, i end end"},
    {"local s = ('a'):rep(1000)", "local c = s .. s .. s .. s"},
    {"local s = ''", "s = s .. 'x'"},
    {"local s = ('x'):rep(30)", "local c = s:rep(1) .. 'y'"},
    {"local t = {} for i = 1, 2000 do t[i] = ('x'):rep(500) .. (2000 - i) end",
     "local c = {} for i = 1, 2000 do c[i] = t[i] end table.sort(c)"},
    {"local t = {} for i = 1, 5000 do t[i] = 5000 - i end",
     "table.sort(t, function(a, b) return a < b end) table.sort(t, function(a, b) return b < a "
     "end)"},
    {"local t = {} for i = 1, 600 do t[i << 32] = 'x' end",
     "pcall(table.concat, t, '', 1 << 32, (1 << 32) + 9)"},
    {"local s = ('ab'):rep(100000)", "for c in s:gmatch('.') do end"},
    {"local s = ('ab'):rep(100000)", "local c = s:gsub('', '')"},
    {"local s = ('ab'):rep(100000)", "local c = s:gsub('.', {a = 'b'})"},
    {"local s = ('ab'):rep(100000)", "local c = s:find(('a'):rep(50000) .. 'c', 1, true)"},
    {"local s = ('('):rep(100000)", "local c = s:find('%b()')"},
    {"local s = ('a'):rep(100000)", "local c = s:find('.-.-.-.-b')"},
    {"local s = ('a'):rep(100000)", "local c = s:find(('a?'):rep(100) .. 'b')"},
    {"local s = ('a'):rep(30000) .. 'b'", "pcall(string.find, s, '(a*)%1b')"},
    {"local s = ('a'):rep(100000)", "local c = s:find('[' .. ('b'):rep(500) .. ']')"},
    {"local s = ('a'):rep(100000)", "local c = s:find('%f[b]')"},
    {"", "local c = ('%.99f'):format(1e308)"},
    {"", "local c = ('%.99g'):format(5e-324)"},
    {"", "local c = ('%99.99e'):format(5e-324)"},
    {"", "local c = tostring(1e308 / 3)"},
    {"local f = math.fmod", "f(1e308, 5e-324)"},
    {"local s = ('0'):rep(300) .. '.' .. ('1'):rep(690)", "local c = tonumber(s)"},
    {"local s = '0x' .. ('f'):rep(900) .. '.' .. ('8'):rep(90)", "local c = tonumber(s)"},
    {"local s = ('1'):rep(600000)", "local c = tonumber(s)"},
    {"local s = ('z'):rep(600000)", "local c = tonumber(s, 36)"},
};

static void try_operators(void) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    char *code = NULL;
    if (asprintf(&code, "%s\nwhile true do %s end", operators[i].setup, operators[i].body) < 0)
      abort();
    measure(code, decide_once);
  }
}

/* An error at the end of a function as long as a file can be; a goto leads there at once. */
static void try_long_functions(void) {
  static const char *const errors[] = {
      "x()",          "y.z = 1", "local c = x + 1", "local c = x.y.z",
      "string.rep()", "x:m()",   "local c = #x",    "error('e')"};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    for (int names = 0; names < 2; names++) {
      char *code = malloc(FILE_SIZE + 1000), *at = code;
      at += sprintf(at, "local x, y, string, error, pcall = nil, nil, string, error, pcall\n"
                        "local function f() goto last\n");
      while (at < code + FILE_SIZE - 200) at += sprintf(at, names ? "do local a\nend " : "y=x\n");
      sprintf(at, "::last:: do %s end end while true do pcall(f) end", errors[i]);
      measure(code, decide_once);
    }
  }
}

/* ---- Compiling ---- */

/* head, as many times `unit` as the file holds, tail; "%d" in unit counts. */
static char *fill(const char *head, const char *unit, const char *tail) {
  char *code = malloc(FILE_SIZE + 64), *at = code;
  size_t room = FILE_SIZE - strlen(tail) - 32;
  at = stpcpy(at, head);
  for (int i = 0; (size_t)(at - code) + strlen(unit) < room; i++) at += sprintf(at, unit, i);
  strcpy(at, tail);
  return code;
}

static char *repeated(const char *text, int count) {
  char *all = malloc(strlen(text) * (size_t)count + 1), *at = all;
  for (int i = 0; i < count; i++) at = stpcpy(at, text);
  *at = '\0';
  return all;
}

/* `depth` functions inside each other, each with `locals` variables. */
static void try_nested(int depth, int locals, const char *unit) {
  char names[2000] = "local a0";
  for (int i = 1; i < locals; i++) sprintf(names + strlen(names), ",a%d", i);
  strcat(names, "\nlocal function f() ");
  char *head = repeated(names, depth), *tail = repeated(" end ", depth);
  measure(fill(head, unit, tail), compile_once);
  free(head);
  free(tail);
}

static void try_compiling(void) {
  static const struct {
    const char *head, *unit, *tail;
  } inputs[] = {
      {"", "x=x ", ""},
      {"local a ", "a=a ", ""},
      {"return {", "%d,", "}"},
      {"return {", "%d.5,", "}"},
      {"return {", "'%d',", "}"},
      {"return {", "a%d=1,", "}"},
      {"return {", "{},", "}"},
      {"return {", "function()end,", "}"},
      {"return ", "a and ", "a"},
      {"return ", "a or ", "a"},
      {"return ", "a..", "a"},
      {"return ", "a+", "a"},
      {"return ", "- ", "1"},
      {"return ", "not ", "1"},
      {"return ", "(", "1"},
      {"if a then ", "elseif a then ", "end"},
      {"if a then ", "elseif a and a or a then ", "end"},
      {"", "if a then end ", ""},
      {"", "while a do break end ", ""},
      {"while a do ", "break ", "end"},
      {"while a do ", "if a then break end ", "end"},
      {"do ", "goto a ", "end ::a::"},
      {"", "goto l%d ", ""},
      {"do ", "goto a ", "::b:: ::c:: ::d:: ::e:: ::a:: end"},
      {"", "::l%d:: ", ""},
      {"", "goto l%d ::l%d:: ", ""},
      {"", "do local a end ", ""},
      {"", "do local a <const> = 1 end ", ""},
      {"", "local function f() end ", ""},
      {"", "function f() end ", ""},
      {"", "for i=1,2 do end ", ""},
      {"", "\n", ""},
      {"", "--[[x]]", ""},
      {"return ", "0", "1"},
      {"return ", "1", "1"},
      {"return 0x", "f", "1"},
      {"return '", "x", "'"},
      {"return '", "\\u{10FFFF}", "'"},
      {"return [[", "x\n", "]]"},
      {"", "x", ""},
      {"return ", "a.b", ""},
      {"", "a.b.c.d=1 ", ""},
      {"f(", "1,", "1)"},
      {"", "f{1} ", ""},
      {"return f", "()", ""},
      {"return f", "[1]", ""},
      {"return {", "[{}]=1,", "}"},
      {"", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nx=1", ""},
  };
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
    measure(fill(inputs[i].head, inputs[i].unit, inputs[i].tail), compile_once);
  for (int depth = 1; depth < 200; depth = depth * 3 + 7)
    for (int locals = 1; locals <= 190; locals += 63) {
      try_nested(depth, locals, "x=x ");
      try_nested(depth, locals, "a0=a0 ");
      try_nested(depth, locals, "x%d=1 ");
    }
  char *blocks = repeated("do ", 180), *ends = repeated("end ", 180);
  measure(fill(blocks, "goto a ", ends), compile_once);
  char constants[8000] = "";
  for (int i = 0; i < 190; i++)
    sprintf(constants + strlen(constants), "local c%d <const> = 1\n", i);
  measure(fill(constants, "x=1 ", ""), compile_once);
  measure(fill(constants, "do end ", ""), compile_once);
  strcat(constants, blocks);
  measure(fill(constants, "goto a ", ends), compile_once);
  free(blocks);
  free(ends);
}

/* ---- The report ---- */

static void tell_shortly(const char *code) {
  const char *loop = strstr(code, "\nwhile true do");
  size_t size = strlen(code);
  if (!strncmp(code, helpers, strlen(helpers))) code += strlen(helpers);
  if (loop && loop < code) code = loop;
  size = strlen(code);
  for (size_t i = 0; i < size && i < 150; i++) fputc(code[i] < ' ' ? ' ' : code[i], stderr);
  fputc('\n', stderr);
}

static void report(const char *name, double limit) {
  char work[80];
  qsort(measured, measured_count, sizeof *measured, compare_measurements);
  fprintf(stderr, "%s: %zu cases, the slowest in milliseconds (median of %d)\n", name,
          measured_count, ROUNDS);
  for (size_t i = 0; i < WORST && i < measured_count; i++) {
    fprintf(stderr, "  %8.1f  ", measured[i].milliseconds);
    tell_shortly(measured[i].code);
  }
  snprintf(work, sizeof work, "no peer; the slowest of %zu cases", measured_count);
  bench_row_print(&(bench_row){.name = name,
                               .unit = "ms of processor time",
                               .equal_work = work,
                               .ours = measured[0].times,
                               .samples = ROUNDS,
                               .target_of = "ours",
                               .most = limit});
  while (measured_count > 0) free(measured[--measured_count].code);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*try)(void);
    double limit;
  } parts[] = {{"operators", try_operators, 100},
               {"errors", try_long_functions, 100},
               {"functions", try_functions, 100},
               {"files", try_compiling, 1000}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (argc > 1 && strcmp(argv[1], parts[i].name) != 0) continue;
    offered_count = 0;
    parts[i].try();
    report(parts[i].name, parts[i].limit);
  }
  return 0;
}
