/* Field specs: what is a malformed spec, lists whose elements must differ, and which of several
 * wrong keys is named. */
#include "policy/schema.h"

#include "support/sandbox_fixture.h"

static sandbox box;
static schema_record record;
static text_buffer out, why;

static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 20000000, 16777216);
  return 0;
}

static int close_box(void **state) {
  (void)state;
  schema_record_free(&record);
  text_buffer_free(&out);
  text_buffer_free(&why);
  sandbox_close(&box);

  return 0;
}

static int compile(lua_State *L) {
  schema_record_compile(L, 1, &record);
  return 0;
}

/* Compiles the list of specs that the Lua text returns; the error, or NULL. */
static const char *compile_specs(const char *specs) {
  lua_settop(box.L, 1);
  schema_record_free(&record);
  assert_int_equal(sandbox_run(&box, specs), LUA_OK);
  lua_pushcfunction(box.L, compile);
  lua_insert(box.L, -2);

  return lua_pcall(box.L, 1, 0, 0) == LUA_OK ? NULL : lua_tostring(box.L, -1);
}

#define LIST(REST)                                                                                 \
  "return {{name = 'list', type = 'list', max_items = 5, " REST                                    \
  " of = {type = 'record', fields = {{name = 'n', type = 'number', required = true}, "             \
  "{name = 't', type = 'text'}}}}}"

static const char UNIQUE[] = LIST("unique_by = 'n',");

static void malformed_specs_raise(void **state) {
  (void)state;
  static const struct {
    const char *specs, *error;
  } cases[] = {
      {"return {{name = 'a', type = 'flag'}, {name = 'b', type = 'flag'}, {name = 'a', type = "
       "'any'}}",
       "field 'a' is there twice"},
      {"return {{name = 'a', type = 'choice', values = {'x', 'y', 'x'}}}",
       "the value 'x' is there twice"},
      {LIST("unique_by = 't',"), "unique_by: 't' is not a required field of the list's records"},
      {LIST("unique_by = 'm',"), "unique_by: 'm' is not a required field of the list's records"},
      {"return {{name = 'a', type = 'list', unique_by = 'n', of = {type = 'record', "
       "fields = {{name = 'n', type = 'text', required = true}}}}}",
       "unique_by needs max_items of at most 100"},
      {"return {{type = 'flag'}}", "field 1 has no name"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_string_equal(compile_specs(cases[i].specs), cases[i].error);
}

static const char *reason(bool ok) {
  text_buffer_byte(&why, '\0');
  return ok ? "" : why.data;
}

/* What the engine says of facts. */
static const char *read_json(const char *json) {
  json_scan scan;
  json_span value;
  why.size = 0;
  json_scan_begin(&scan, json, strlen(json));

  return reason(schema_read_check(&record.items[0], &scan, &value, &why));
}

/* What the engine says of a decision. */
static const char *write_lua(const char *value) {
  why.size = out.size = 0;
  lua_settop(box.L, 1);
  assert_int_equal(sandbox_run(&box, value), LUA_OK);
  return reason(schema_write_json(box.L, lua_gettop(box.L), &record.items[0], &out, &why));
}

static void elements_differ_in_facts(void **state) {
  (void)state;
  assert_null(compile_specs(UNIQUE));
  assert_string_equal(read_json("[]"), "");
  assert_string_equal(read_json("[{\"n\":1},{\"n\":2},{\"t\":\"1\",\"n\":3}]"), "");
  assert_string_equal(read_json("[{\"n\":1},{\"n\":2},{\"t\":\"a\",\"n\":1}]"),
                      "list: elements 1 and 3 have the same n, 1");
  assert_string_equal(read_json("[{\"n\":10},{\"n\":1e1}]"),
                      "list: elements 1 and 2 have the same n, 10");
  assert_null(compile_specs(LIST("")));
  assert_string_equal(read_json("[{\"n\":1},{\"n\":1}]"), "");
}

static void elements_differ_in_decisions(void **state) {
  (void)state;
  assert_null(compile_specs(UNIQUE));
  assert_string_equal(write_lua("return {{n = 1}, {n = 2}}"), "");
  assert_string_equal(write_lua("return {{n = 1}, {n = 1.5}, {n = 1.0}}"),
                      "list: elements 1 and 3 have the same n, 1");
}

static void lists_have_no_holes(void **state) {
  (void)state;
  assert_null(compile_specs(LIST("")));
  assert_string_equal(write_lua("return {{n = 1}, nil, {n = 2}}"),
                      "list: expected a list, got a list whose element 2 is nil");
  assert_string_equal(write_lua("return {[4] = {n = 1}}"),
                      "list: expected a list, got a list whose element 1 is nil");
  assert_string_equal(write_lua("return {{n = 1}, a = {n = 2}}"),
                      "list: expected a list, got a table with both names and places of a list");
  assert_string_equal(
      write_lua("return {{n = 1}, [0] = {n = 2}}"),
      "list: expected a list, got a table with a key that is neither a text nor a place of a list");
}

/* Of several, the first in byte order: the order of Lua's hash is another one in every process. */
static void the_first_unknown_key_is_named(void **state) {
  (void)state;
  assert_null(compile_specs(LIST("")));
  assert_string_equal(write_lua("return {{n = 1, zz = 1, mm = 1, aa = 1, [{}] = 1, [true] = 1}}"),
                      "unknown field \"aa\"");
  assert_string_equal(write_lua("return {{n = 1, [{}] = 1, [true] = 1, [5] = 1}}"),
                      "unknown field: a name is a text, not a boolean");
  assert_string_equal(write_lua("return {{n = 1, [{}] = 1, [2.5] = 1}}"),
                      "unknown field: a name is a text, not a number");
}

int main(void) {
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_box, close_box)
  const struct CMUnitTest tests[] = {
      CASE(malformed_specs_raise),          CASE(elements_differ_in_facts),
      CASE(elements_differ_in_decisions),   CASE(lists_have_no_holes),
      CASE(the_first_unknown_key_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
