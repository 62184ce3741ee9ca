/* Any bytes, in pieces of any size, as an answer of the Runtime API: no crash, and an answer that
 * was accepted keeps its promises. The first byte chooses the pieces. */
#include "core/runtime_api/runtime_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 4096, BODY_MAX = 8192 };

static void check(bool promise) {
  if (!promise) abort();
}

typedef struct {
  const uint8_t *at, *end;
  size_t piece;
} supply;

static ssize_t take(void *context, char *bytes, size_t size) {
  supply *from = context;
  size_t left = (size_t)(from->end - from->at);
  if (size > from->piece) size = from->piece;
  if (size > left) size = left;
  memcpy(bytes, from->at, size);
  from->at += size;
  return (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  runtime_answer answer = {0};
  supply from = {data + 1, data + size, data[0] ? data[0] : SIZE_MAX};
  /* Twice with the same buffers, as on a connection that stays open. */
  for (int i = 0; i < 2; i++) {
    bool ok = runtime_answer_receive(&answer, take, &from, HEAD_MAX, BODY_MAX);
    check(ok == (answer.problem == NULL));
    if (!ok) {
      check(answer.close);
      break;
    }
    check(answer.status >= 200 && answer.status <= 999);
    check(answer.too_large || !answer.has_length || answer.chunked || answer.status == 204 ||
          answer.status == 304 || answer.body.size == answer.length);
    const char *id = runtime_answer_header(&answer, "lambda-runtime-aws-request-id");
    check(strpbrk(id, "\r\n") == NULL);
    if (answer.close) break;
  }
  runtime_answer_free(&answer);
  return 0;
}
