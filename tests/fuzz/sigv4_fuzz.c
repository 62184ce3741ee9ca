/* Fuzzes signing: lines of method, URL, header name, header value, token, body. Whatever is signed
 * must be one line of plain text, and presigning a presigned URL must give the same URL. */
#include <stdlib.h>
#include <string.h>

#include "core/aws/sigv4.h"

static sigv4_text next_line(const char **at, const char *end) {
  const char *newline = memchr(*at, '\n', (size_t)(end - *at));
  sigv4_text line = {*at, (size_t)((newline ? newline : end) - *at)};
  *at = newline ? newline + 1 : end;
  return line;
}

static void check_line(const text_buffer *text) {
  for (size_t i = 0; i < text->size; i++)
    if ((unsigned char)text->data[i] < ' ' && i > 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static sigv4_signer signer;
  static const char *const services[] = {"s3", "dynamodb"};
  const char *at = (const char *)data, *end = at + size;
  sigv4_request request = {.method = next_line(&at, end), .url = next_line(&at, end)};
  sigv4_text name = next_line(&at, end), value = next_line(&at, end);
  request.session_token = next_line(&at, end);
  request.body = (sigv4_text){at, (size_t)(end - at)};
  request.service = (sigv4_text){services[size % 2], strlen(services[size % 2])};
  request.region = (sigv4_text){"us-east-1", 9};
  request.access_key_id = (sigv4_text){"AKIDEXAMPLE", 11};
  request.secret_access_key = (sigv4_text){"secret", 6};
  request.time = (sigv4_text){"20261122T030405Z", 16};
  request.expires = 900;
  sigv4_signer_clear(&signer);
  if (name.size == 0 || !sigv4_headers_add(&signer.headers, name, value))
    if (!sigv4_sign(&signer, &request).code) check_line(&signer.result);
  sigv4_signer_clear(&signer);
  if (sigv4_presign(&signer, &request).code) return 0;
  check_line(&signer.result);
  sigv4_text first = {malloc(signer.result.size), signer.result.size};
  memcpy((char *)first.at, signer.result.data, first.size);
  sigv4_signer_clear(&signer);
  request.url = first;
  if (sigv4_presign(&signer, &request).code || signer.result.size != first.size ||
      memcmp(signer.result.data, first.at, first.size) != 0)
    abort();
  free((char *)first.at);
  return 0;
}
