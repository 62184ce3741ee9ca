/* See text.h.
 *
 * Text and secret are both seen without their escapes. Then every window of the text that is also
 * one of the secret, or of one of its three alignments in base64, is marked. */
#include "core/secret/text.h"

#include "core/secret/impl.h"
#include "core/text/base64.h"

enum { GRAM = 8, HEADS = 1 << 12 };

/* Windows of the needle by their hash: chains through `next`, places counted from 1. */
typedef struct {
  const secret_view *needle;
  size_t width;
  uint32_t heads[HEADS];
  uint32_t *next;
} grams;

static uint32_t hash_of(const char *bytes, size_t width) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < width; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
  return (hash ^ hash >> 16) % HEADS;
}

static bool has_gram(const grams *index, const char *bytes) {
  for (uint32_t at = index->heads[hash_of(bytes, index->width)]; at; at = index->next[at - 1])
    if (memcmp(index->needle->bytes + at - 1, bytes, index->width) == 0) return true;
  return false;
}

static bool grams_make(grams *index, const secret_view *needle, size_t width) {
  *index = (grams){.needle = needle, .width = width};
  size_t count = needle->size - width + 1;
  index->next = calloc(count, sizeof *index->next);
  if (!index->next) return false;
  for (size_t i = 0; i < count; i++) {
    /* A window that is there already (AAAAAAAA…) would only make the chain longer. */
    if (has_gram(index, needle->bytes + i)) continue;
    uint32_t *head = &index->heads[hash_of(needle->bytes + i, width)];
    index->next[i] = *head;
    *head = (uint32_t)i + 1;
  }

  return true;
}

/* Marks the bytes of the text that show a window of the needle. False when memory is short. */
static bool mark(char *marks, const secret_view *text, const secret_view *needle) {
  size_t width = needle->size < GRAM ? needle->size : GRAM;
  grams index;
  if (width == 0 || text->size < width) return true;
  if (!grams_make(&index, needle, width)) return false;
  for (size_t i = 0; i + width <= text->size; i++) {
    if (!has_gram(&index, text->bytes + i)) continue;
    size_t from = text->from[i];
    memset(marks + from, 1, text->end[i + width - 1] - from);
  }

  free(index.next);

  return true;
}

static bool mark_text(char *marks, const secret_view *text, const char *secret, size_t size) {
  secret_view needle = {0};
  bool ok = secret_view_make(&needle, secret, size) && mark(marks, text, &needle);
  secret_view_free(&needle);
  return ok;
}

void secret_wipe(text_buffer *buffer) {
  if (buffer->data) explicit_bzero(buffer->data, buffer->capacity);
  text_buffer_free(buffer);
}

bool secret_base64_digits(text_buffer *out, const char *secret, size_t size, size_t before) {
  text_buffer bytes = {0}, digits = {0};
  text_buffer_append(&bytes, "\0\0", before);
  text_buffer_append(&bytes, secret, size);
  if (!bytes.failed) base64_encode(&digits, bytes.data, bytes.size);

  size_t first = (before * 8 + 5) / 6, last = bytes.size * 8 / 6;
  bool ok = !bytes.failed && !digits.failed;
  if (ok && first < last) text_buffer_append(out, digits.data + first, last - first);

  secret_wipe(&bytes);
  secret_wipe(&digits);
  return ok && !out->failed;
}

static bool mark_base64(char *marks, const secret_view *text, const char *secret, size_t size,
                        size_t before) {
  text_buffer digits = {0};
  bool ok = secret_base64_digits(&digits, secret, size, before) &&
            mark_text(marks, text, digits.data, digits.size);
  secret_wipe(&digits);
  return ok;
}

static bool mark_all(char *marks, const secret_view *text, const char *secret, size_t size) {
  if (!mark_text(marks, text, secret, size)) return false;
  for (size_t before = 0; size >= GRAM && before < SECRET_ALIGNMENTS; before++)
    if (!mark_base64(marks, text, secret, size, before)) return false;
  return true;
}

bool secret_copy_unmarked(text_buffer *out, const char *text, size_t size, const char *marks) {
  bool any = false;
  for (size_t i = 0; i < size;) {
    size_t from = i;
    while (i < size && marks[i] == marks[from]) i++;
    any = any || marks[from];
    if (marks[from])
      text_buffer_text(out, "[redacted]");
    else
      text_buffer_append(out, text + from, i - from);
  }

  return any;
}

bool secret_hide(text_buffer *out, const char *text, size_t size, const char *secret,
                 size_t secret_size) {
  secret_view v = {0};
  char *marks = calloc(size + 1, 1);
  bool any = true;
  if (marks && secret_view_make(&v, text, size) && mark_all(marks, &v, secret, secret_size))
    any = secret_copy_unmarked(out, text, size, marks);
  else
    text_buffer_text(out, "[redacted]"); /* without memory nothing is shown rather than too much */
  secret_view_free(&v);
  free(marks);

  return any;
}
