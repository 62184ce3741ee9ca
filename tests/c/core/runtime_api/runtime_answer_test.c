/* Answers of the Runtime API: however their bytes are cut, they read the same; what is malformed is
 * refused. tests/runtime/hostile_api_spec.lua shows the same through the built program. */
#include "core/runtime_api/runtime_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { HEAD_MAX = 1024, BODY_MAX = 100 };

typedef struct {
  const char *at;
  size_t left, piece;
} supply;

static ssize_t take(void *context, char *bytes, size_t size) {
  supply *from = context;
  if (size > from->piece) size = from->piece;
  if (size > from->left) size = from->left;
  memcpy(bytes, from->at, size);
  from->at += size;
  from->left -= size;

  return (ssize_t)size;
}

static bool receive(runtime_answer *answer, const char *text, size_t piece) {
  supply from = {text, strlen(text), piece};
  return runtime_answer_receive(answer, take, &from, HEAD_MAX, BODY_MAX);
}

static void reads_the_same_in_pieces_of_every_size(void **state) {
  (void)state;
  static const char *const texts[] = {
      "HTTP/1.1 200 OK\r\nX-Id:  a b \t\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\nX-Id: no\r\n\r\nHTTP/1.1 200 OK\r\nx-id: a b\r\n"
      "Transfer-Encoding: Chunked\r\n\r\n1\r\nh\r\n3;ext=1\r\nell\r\n1\r\no\r\n0\r\nX-Id: "
      "t\r\n\r\n",
      "HTTP/1.0 200\r\nX-ID:a b\r\n\r\nhello"};
  runtime_answer answer = {0};
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    for (size_t piece = 1; piece <= strlen(texts[t]); piece++) {
      assert_true(receive(&answer, texts[t], piece));
      assert_int_equal(answer.status, 200);
      assert_int_equal(answer.body.size, 5);
      assert_memory_equal(answer.body.data, "hello", 5);
      assert_string_equal(runtime_answer_header(&answer, "x-id"), "a b");
      assert_string_equal(runtime_answer_header(&answer, "x-i"), "");
      assert_true(answer.close == (t == 2));
    }
  }

  runtime_answer_free(&answer);
}

static void refuses_what_is_malformed(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 20x OK\r\n\r\n",
      "HTTP/1.1 200OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\nX-Id: smuggled\r\n\r\n",
      "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
      "HTTP/1.1 200 OK\nX-Id: smuggled\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n",
  };
  runtime_answer answer = {0};
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    if (receive(&answer, texts[t], 7)) fail_msg("accepted: %s", texts[t]);
    assert_non_null(answer.problem);
    assert_true(answer.close);
  }

  assert_false(receive(&answer, "", 1));
  assert_true(answer.got_nothing);
  assert_false(receive(&answer, "H", 1));
  assert_false(answer.got_nothing);
  runtime_answer_free(&answer);
}

static void does_not_read_what_is_too_large(void **state) {
  (void)state;
  runtime_answer answer = {0};
  assert_true(receive(&answer, "HTTP/1.1 200 OK\r\nX-Id: 1\r\nContent-Length: 101\r\n\r\n", 9));
  assert_true(answer.too_large && answer.close);
  assert_string_equal(runtime_answer_header(&answer, "x-id"), "1");
  assert_true(receive(&answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 9));
  assert_true(answer.too_large && answer.close);
  char head[4096];
  memset(head, 'a', sizeof head);
  head[sizeof head - 1] = '\0';
  assert_false(receive(&answer, head, 9));
  runtime_answer_free(&answer);
}

/* HTTP/1.1 200 OK with `count` headers "X:1". */
static bool receive_headers(runtime_answer *answer, size_t count) {
  static char text[4096];
  size_t size = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n");
  for (size_t i = 0; i < count; i++)
    size += (size_t)snprintf(text + size, sizeof text - size, "X:1\r\n");
  snprintf(text + size, sizeof text - size, "\r\n");

  return receive(answer, text, sizeof text);
}

static void takes_so_many_headers_and_no_more(void **state) {
  (void)state;
  runtime_answer answer = {0};
  assert_true(receive_headers(&answer, RUNTIME_ANSWER_HEADERS_MAX));
  assert_string_equal(runtime_answer_header(&answer, "x"), "1");
  assert_false(receive_headers(&answer, RUNTIME_ANSWER_HEADERS_MAX + 1));
  assert_string_equal(answer.problem, "the answer has too many headers");
  runtime_answer_free(&answer);
}

static void wipes_what_it_held(void **state) {
  (void)state;
  runtime_answer answer = {0};
  assert_true(receive(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret", 99));
  char *held = answer.body.data;
  runtime_answer_clear(&answer);
  assert_ptr_equal(answer.body.data, held);
  assert_memory_equal(held, "\0\0\0\0\0\0", 6);
  runtime_answer_free(&answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_same_in_pieces_of_every_size),
      cmocka_unit_test(refuses_what_is_malformed),
      cmocka_unit_test(does_not_read_what_is_too_large),
      cmocka_unit_test(takes_so_many_headers_and_no_more),
      cmocka_unit_test(wipes_what_it_held),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
