/* The event stream's framing against a message that AWS's own codec wrote (EventStreamCodec of
 * @smithy/core), and against what a reader checks: lengths and both sums. */
#include "emulator/impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <zlib.h>

#include <cmocka.h>

static uint32_t number_at(const text_buffer *text, size_t at) {
  const unsigned char *b = (const unsigned char *)text->data + at;
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t sum(const text_buffer *text, size_t start, size_t size) {
  return (uint32_t)crc32(0, (const Bytef *)text->data + start, (uInt)size);
}

static void writes_what_awss_codec_writes(void **state) {
  (void)state;
  static const char expected[] =
      "0000006d0000005a8f3ed47f0b3a6576656e742d7479706507000c5061796c6f61644368756e"
      "6b0d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f637465742d7374"
      "7265616d0d3a6d6573736167652d747970650700056576656e746f6e657f803d56";
  text_buffer out = {0};
  emulator_event_stream_write(&out, "PayloadChunk", "application/octet-stream", "one", 3);
  assert_int_equal(2 * out.size, sizeof expected - 1);
  for (size_t i = 0; i < out.size; i++) {
    char hex[3];
    snprintf(hex, sizeof hex, "%02x", (unsigned char)out.data[i]);
    assert_memory_equal(hex, expected + 2 * i, 2);
  }

  text_buffer_free(&out);
}

static void frames_follow_each_other(void **state) {
  (void)state;
  text_buffer out = {0};
  size_t start = 0;
  char payload[3000];
  memset(payload, 0xa5, sizeof payload);
  for (size_t size = 0; size < sizeof payload; size += 499) {
    emulator_event_stream_write(&out, "PayloadChunk", "application/octet-stream", payload, size);
    size_t total = number_at(&out, start);
    assert_int_equal(start + total, out.size);
    assert_int_equal(total, 12 + number_at(&out, start + 4) + size + 4);
    assert_int_equal(number_at(&out, start + 8), sum(&out, start, 8));
    assert_int_equal(number_at(&out, out.size - 4), sum(&out, start, total - 4));
    start = out.size;
  }

  text_buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_what_awss_codec_writes),
      cmocka_unit_test(frames_follow_each_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
