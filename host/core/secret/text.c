/* See text.h.
 *
 * Text and secret are both seen without their escapes: a view holds the bytes that are meant, and
 * where in the text each was written. Then every window of the text that is also one of the secret,
 * or of one of its three alignments in base64, is marked. */
#include "core/secret/text.h"

#include "core/text/base64.h"

enum { GRAM = 8, ALIGNMENTS = 3, HEADS = 1 << 12 };

typedef struct {
  char *bytes;
  size_t *from, *end; /* byte i was written at text[from[i]] up to text[end[i]] */
  size_t size;
} view;

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `digits` hexadecimal digits at `at` as a byte; -1 when they are none or name no ASCII. */
static int escaped_byte(const char *at, const char *end, int digits) {
  int value = 0;
  if (end - at < digits) return -1;
  for (int i = 0; i < digits; i++) {
    int digit = hex(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value < 128 ? value : -1;
}

/* %2F, and %252F and so on: percent signs are escaped when an escaped text is escaped again. */
static int percent(const char **at, const char *end) {
  const char *digits = *at + 1;
  while (end - digits >= 4 && digits[0] == '2' && digits[1] == '5') digits += 2;
  int byte = escaped_byte(digits, end, 2);
  if (byte >= 0) {
    *at = digits + 2;
  } else if (digits > *at + 1) { /* %25 alone: the sign itself */
    byte = '%';
    *at = digits;
  }
  return byte;
}

/* &#47; and &#x2F; */
static int reference(const char **at, const char *end) {
  const char *c = *at + 1;
  int value = 0, base = 10;
  if (c == end || *c++ != '#') return -1;
  if (c < end && (*c == 'x' || *c == 'X')) base = 16, c++;
  for (; c < end && value < 128; c++) {
    int digit = hex(*c);
    if (digit < 0 || digit >= base) break;
    value = value * base + digit;
  }
  if (c == end || *c != ';' || value == 0 || value > 127) return -1;
  *at = c + 1;
  return value;
}

/* The byte meant at *at, which moves past it; -1 for a backslash, which only says that an escape
 * comes: however often a text was escaped again, its backslashes go away. */
static int next_byte(const char **at, const char *end) {
  const char *c = *at;
  int byte = -1;
  if (*c == '%') {
    byte = percent(at, end);
  } else if (*c == '&') {
    byte = reference(at, end);
  } else if (*c == '\\') {
    byte = end - c > 1 && c[1] == 'u' ? escaped_byte(c + 2, end, 4) : -1;
    *at = c + (byte >= 0 ? 6 : 1);
    return byte;
  }
  if (byte >= 0) return byte;
  *at = c + 1;
  return (unsigned char)*c;
}

static void view_free(view *v) {
  if (v->bytes) explicit_bzero(v->bytes, v->size);
  free(v->bytes);
  free(v->from);
  free(v->end);
  *v = (view){0};
}

static bool view_make(view *v, const char *text, size_t size) {
  *v = (view){malloc(size + 1), malloc((size + 1) * sizeof *v->from),
              malloc((size + 1) * sizeof *v->end), 0};
  if (!v->bytes || !v->from || !v->end) return false;
  for (const char *at = text, *end = text + size; at < end;) {
    size_t from = (size_t)(at - text);
    int byte = next_byte(&at, end);
    if (byte < 0) continue;
    /* The alphabet for URLs is base64 as well. */
    if (byte == '-') byte = '+';
    if (byte == '_') byte = '/';
    v->bytes[v->size] = (char)byte;
    v->from[v->size] = from;
    v->end[v->size++] = (size_t)(at - text);
  }
  return true;
}

/* Windows of the needle by their hash: chains through `next`, places counted from 1. */
typedef struct {
  const view *needle;
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

static bool grams_make(grams *index, const view *needle, size_t width) {
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
static bool mark(char *marks, const view *text, const view *needle) {
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

static bool mark_text(char *marks, const view *text, const char *secret, size_t size) {
  view needle = {0};
  bool ok = view_make(&needle, secret, size) && mark(marks, text, &needle);
  view_free(&needle);
  return ok;
}

/* What the secret looks like in base64 after `before` other bytes: the digits that depend on the
 * secret alone. */
static bool mark_base64(char *marks, const view *text, const char *secret, size_t size,
                        size_t before) {
  text_buffer bytes = {0}, digits = {0};
  text_buffer_append(&bytes, "\0\0", before);
  text_buffer_append(&bytes, secret, size);
  if (!bytes.failed) base64_encode(&digits, bytes.data, bytes.size);
  size_t first = (before * 8 + 5) / 6, last = bytes.size * 8 / 6;
  bool ok = !bytes.failed && !digits.failed &&
            (last <= first || mark_text(marks, text, digits.data + first, last - first));
  if (bytes.data) explicit_bzero(bytes.data, bytes.size);
  if (digits.data) explicit_bzero(digits.data, digits.size);
  text_buffer_free(&bytes);
  text_buffer_free(&digits);
  return ok;
}

static bool mark_all(char *marks, const view *text, const char *secret, size_t size) {
  if (!mark_text(marks, text, secret, size)) return false;
  for (size_t before = 0; size >= GRAM && before < ALIGNMENTS; before++)
    if (!mark_base64(marks, text, secret, size, before)) return false;
  return true;
}

/* Copies what is not marked; each stretch that is becomes one "[redacted]". */
static bool copy_unmarked(text_buffer *out, const char *text, size_t size, const char *marks) {
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
  view v = {0};
  char *marks = calloc(size + 1, 1);
  bool any = true;
  if (marks && view_make(&v, text, size) && mark_all(marks, &v, secret, secret_size))
    any = copy_unmarked(out, text, size, marks);
  else
    text_buffer_text(out, "[redacted]"); /* without memory nothing is shown rather than too much */
  view_free(&v);
  free(marks);
  return any;
}
