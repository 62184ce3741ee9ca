/* HMAC-SHA256 against RFC 4231, the signing key against AWS's published derivation, and the
 * cache of keys. */
#include "core/aws/sigv4_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static sigv4_text text_of(const char *text) {
  return (sigv4_text){text, strlen(text)};
}

static void assert_hmac(const void *key, size_t key_size, const char *text, const char *expected) {
  sigv4_hmac hmac;
  uint8_t digest[SHA256_SIZE];
  char hex[SHA256_HEX];
  sigv4_key_hmac_ready(&hmac, key, key_size);
  for (int twice = 0; twice < 2; twice++) { /* the pads stay as they were */
    sigv4_key_hmac_digest(&hmac, text_of(text), digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, expected);
  }
}

static void hmac_answers_the_published_vectors(void **state) {
  (void)state;
  uint8_t long_key[131], short_key[20];
  memset(long_key, 0xaa, sizeof long_key);
  memset(short_key, 0x0b, sizeof short_key);
  assert_hmac(short_key, sizeof short_key, "Hi There",
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  assert_hmac("Jefe", 4, "what do ya want for nothing?",
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  assert_hmac(long_key, sizeof long_key, "Test Using Larger Than Block-Size Key - Hash Key First",
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void the_key_signs_as_published(void **state) {
  (void)state;
  static sigv4_keys keys;
  const sigv4_hmac *key =
      sigv4_key_derive(&keys, text_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                       text_of("20150830"), text_of("us-east-1"), text_of("iam"));
  uint8_t digest[SHA256_SIZE];
  char hex[SHA256_HEX];
  sigv4_key_hmac_digest(
      key,
      text_of("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
              "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"),
      digest);
  sha256_hex(digest, hex);
  assert_string_equal(hex, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

/* What a key signs, by the slot it came from. */
static void sign_with(sigv4_keys *keys, const char *secret, const char *region, uint8_t *digest) {
  const sigv4_hmac *key =
      sigv4_key_derive(keys, text_of(secret), text_of("20150830"), text_of(region), text_of("iam"));
  sigv4_key_hmac_digest(key, text_of("x"), digest);
}

static void kept_keys_are_found_and_replaced(void **state) {
  (void)state;
  static sigv4_keys kept;
  char region[16];
  uint8_t expected[3 * SIGV4_KEYS_KEPT][SHA256_SIZE], digest[SHA256_SIZE];
  for (int i = 0; i < 3 * SIGV4_KEYS_KEPT; i++) {
    sigv4_keys fresh = {0};
    snprintf(region, sizeof region, "region-%d", i);
    sign_with(&fresh, "secret", region, expected[i]);
  }

  for (int step = 0; step < 200; step++) {
    int i = step * 7 % (3 * SIGV4_KEYS_KEPT);
    snprintf(region, sizeof region, "region-%d", i);
    sign_with(&kept, "secret", region, digest);
    assert_memory_equal(digest, expected[i], SHA256_SIZE);
  }
}

/* "a" + "bc" and "ab" + "c" must not be taken for one another. */
static void origins_do_not_run_together(void **state) {
  (void)state;
  static sigv4_keys keys;
  uint8_t one[SHA256_SIZE], two[SHA256_SIZE];
  sigv4_key_hmac_digest(
      sigv4_key_derive(&keys, text_of("s"), text_of("d"), text_of("a"), text_of("bc")),
      text_of("x"), one);
  sigv4_key_hmac_digest(
      sigv4_key_derive(&keys, text_of("s"), text_of("d"), text_of("ab"), text_of("c")),
      text_of("x"), two);
  assert_memory_not_equal(one, two, SHA256_SIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hmac_answers_the_published_vectors),
      cmocka_unit_test(the_key_signs_as_published),
      cmocka_unit_test(kept_keys_are_found_and_replaced),
      cmocka_unit_test(origins_do_not_run_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
