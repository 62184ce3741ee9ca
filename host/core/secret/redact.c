/* See redact.h. */
#include "core/secret/redact.h"

#include <stdlib.h>
#include <string.h>

#include "core/secret/impl.h"

enum { LONG_RUN = 256, LEAST_IN_BASE64 = 8 };

#define TOKEN_START "AAAAKgAAAA"

static bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '=';
}

static bool is_standard(char c) {
  return is_digit(c) || c == '+' || c == '/';
}
static bool is_for_urls(char c) {
  return is_digit(c) || c == '-' || c == '_';
}

static void mark_range(char *marks, const secret_view *text, size_t first, size_t last) {
  memset(marks + text->from[first], 1, text->end[last] - text->from[first]);
}

static bool mark_long_runs(char *marks, const secret_view *text, bool (*is_member)(char)) {
  bool any = false;
  for (size_t i = 0; i < text->size;) {
    size_t first = i;
    while (i < text->size && is_member(text->plain[i])) i++;
    if (i - first >= LONG_RUN) {
      mark_range(marks, text, first, i - 1);
      any = true;
    }
    if (i == first) i++;
  }
  return any;
}

/* Marks every occurrence of the needle; with `whole_run` all of the base64 around it, too. */
static bool mark_needle(char *marks, const secret_view *text, const char *needle, size_t size,
                        bool whole_run) {
  bool any = false;
  const char *end = text->bytes + text->size;
  for (const char *at = text->bytes; size > 0; at++) {
    at = memmem(at, (size_t)(end - at), needle, size);
    if (!at) break;
    size_t first = (size_t)(at - text->bytes), last = first + size - 1;
    while (whole_run && first > 0 && is_standard(text->bytes[first - 1])) first--;
    while (whole_run && last + 1 < text->size && is_standard(text->bytes[last + 1])) last++;
    mark_range(marks, text, first, last);
    any = true;
    at = text->bytes + last;
  }
  return any;
}

/* A needle as it is, and in base64. False when memory is short. */
static bool mark_everywhere(char *marks, const secret_view *text, secret_value needle,
                            bool whole_run, bool *any) {
  secret_view meant = {0};
  bool ok = secret_view_make(&meant, needle.bytes, needle.size);
  if (ok && mark_needle(marks, text, meant.bytes, meant.size, whole_run)) *any = true;
  secret_view_free(&meant);

  for (size_t before = 0; ok && needle.size >= LEAST_IN_BASE64 && before < SECRET_ALIGNMENTS;
       before++) {
    text_buffer digits = {0};
    ok = secret_base64_digits(&digits, needle.bytes, needle.size, before);
    if (ok && mark_needle(marks, text, digits.data, digits.size, whole_run)) *any = true;
    secret_wipe(&digits);
  }
  return ok;
}

static bool mark_all(char *marks, const secret_view *text, const secret_value *known, size_t count,
                     bool *any) {
  secret_value start = {TOKEN_START, strlen(TOKEN_START)};
  if (mark_long_runs(marks, text, is_standard)) *any = true;
  if (mark_long_runs(marks, text, is_for_urls)) *any = true;
  bool ok = mark_everywhere(marks, text, start, true, any);
  for (size_t i = 0; ok && i < count; i++) ok = mark_everywhere(marks, text, known[i], false, any);
  return ok;
}

/* Most texts are short and hold nothing of the kind: a text that is shorter than the start of a
 * token, and than each known secret, needs no look. */
static bool is_too_short(size_t size, const secret_value *known, size_t count) {
  if (size >= strlen(TOKEN_START)) return false;
  for (size_t i = 0; i < count; i++)
    if (known[i].size <= size) return false;
  return true;
}

bool secret_redact(text_buffer *out, const char *text, size_t size, const secret_value *known,
                   size_t count) {
  if (is_too_short(size, known, count)) return false;

  secret_view view = {0};
  char *marks = calloc(size + 1, 1);
  bool any = false;
  if (marks && secret_view_make(&view, text, size) && mark_all(marks, &view, known, count, &any)) {
    if (any) secret_copy_unmarked(out, text, size, marks);
  } else {
    text_buffer_text(out, "[redacted]");
    any = true;
  }
  secret_view_free(&view);
  free(marks);
  return any;
}
