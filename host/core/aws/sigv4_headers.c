/* See sigv4_headers.h. */
#include "core/aws/sigv4_headers.h"

#include "core/json/block.h"

void sigv4_headers_clear(sigv4_headers *headers) {
  headers->text.size = 0;
  headers->count = 0;
}

void sigv4_headers_free(sigv4_headers *headers) {
  if (headers->text.data) explicit_bzero(headers->text.data, headers->text.capacity);
  text_buffer_free(&headers->text);
  free(headers->headers);
  *headers = (sigv4_headers){0};
}

sigv4_text sigv4_headers_name(const sigv4_headers *headers, const sigv4_header *header) {
  return (sigv4_text){headers->text.data + header->name, header->name_size};
}

sigv4_text sigv4_headers_value(const sigv4_headers *headers, const sigv4_header *header) {
  return (sigv4_text){headers->text.data + header->value, header->value_size};
}

/* The list of the signers in AWS's SDKs: what a proxy or the HTTP library may add or change. */
static bool is_never_signed(sigv4_text name) {
  static const char *const names[] = {
      "cache-control", "connection",      "expect", "from",    "keep-alive",        "max-forwards",
      "pragma",        "referer",         "te",     "trailer", "transfer-encoding", "upgrade",
      "user-agent",    "x-amzn-trace-id",
  };
  if (sigv4_text_starts(name, "proxy-") || sigv4_text_starts(name, "sec-")) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (*names[i] == *name.at && sigv4_text_is(name, names[i])) return true;
  return false;
}

/* Signing a request again removes what the first signing added. */
static bool is_replaced(sigv4_text name) {
  return sigv4_text_is(name, "authorization") || sigv4_text_is(name, "x-amz-date") ||
         sigv4_text_is(name, "date") || sigv4_text_is(name, "x-amz-security-token");
}

/* RFC 9110's token. */
static bool is_token(sigv4_text name) {
  for (size_t i = 0; i < name.size; i++) {
    unsigned char byte = (unsigned char)name.at[i];
    bool alphanumeric =
        (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
    if (!alphanumeric && (byte == 0 || !strchr("!#$%&'*+-.^_`|~", byte))) return false;
  }

  return name.size > 0;
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

/* The size of a folded line break at the start of text, or 0. */
static size_t fold_size(sigv4_text text) {
  size_t size = text.size > 0 && text.at[0] == '\r' ? 1 : 0;
  if (size >= text.size || text.at[size] != '\n') return 0;
  size++;
  return size < text.size && is_blank(text.at[size]) ? size : 0;
}

/* The size of the run at the start of text that is taken as it is; 0 where a byte needs a look. */
static size_t plain_size(sigv4_text text) {
  size_t size = (size_t)(json_plain_end(text.at, text.at + text.size) - text.at);
  static const char others[] = {' ', 0x7f};
  for (size_t i = 0; i < sizeof others; i++) {
    const char *other = memchr(text.at, others[i], size);
    if (other) size = (size_t)(other - text.at);
  }

  return size;
}

/* Appends a value trimmed, with every run of blanks as one space, even inside quotes. */
static const char *append_trimmed(text_buffer *out, sigv4_text value) {
  size_t start = out->size;
  bool space = false;
  while (value.size > 0) {
    size_t size = plain_size(value), blank = is_blank(*value.at) ? 1 : fold_size(value);
    if (blank > 0) {
      space = true;
      value = (sigv4_text){value.at + blank, value.size - blank};
      continue;
    }

    unsigned char byte = (unsigned char)*value.at;
    if (byte < ' ' || byte == 0x7f) return "its value contains a control character";
    if (size == 0) size = 1;
    if (space && out->size > start) text_buffer_byte(out, ' ');
    space = false;
    text_buffer_append(out, value.at, size);
    value = (sigv4_text){value.at + size, value.size - size};
  }

  return NULL;
}

static sigv4_header *new_header(sigv4_headers *headers) {
  if (headers->count == headers->capacity) {
    size_t capacity = headers->capacity ? 2 * headers->capacity : 16;
    sigv4_header *grown = realloc(headers->headers, capacity * sizeof *grown);
    if (!grown) return NULL;
    headers->headers = grown;
    headers->capacity = capacity;
  }

  return &headers->headers[headers->count++];
}

static void append_lower(text_buffer *out, sigv4_text name) {
  if (!text_buffer_reserve(out, name.size)) return;
  for (size_t i = 0; i < name.size; i++) {
    char byte = name.at[i];
    out->data[out->size++] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
  }
}

const char *sigv4_headers_add(sigv4_headers *headers, sigv4_text name, sigv4_text value) {
  if (!is_token(name)) return "its name is empty or contains a character no header name may have";
  sigv4_header *header = new_header(headers);
  if (!header) {
    headers->failed = true;
    return NULL;
  }

  *header = (sigv4_header){.name = headers->text.size, .name_size = name.size};
  append_lower(&headers->text, name);
  header->value = headers->text.size;
  const char *wrong = append_trimmed(&headers->text, value);
  header->value_size = headers->text.size - header->value;
  if (headers->text.failed) {
    headers->failed = true;
    return NULL;
  }

  sigv4_text lower = sigv4_headers_name(headers, header);
  header->role = is_replaced(lower)       ? SIGV4_REPLACED
                 : is_never_signed(lower) ? SIGV4_UNSIGNED
                                          : SIGV4_SIGNED;
  return wrong;
}

void sigv4_headers_add_own(sigv4_headers *headers, const char *name, sigv4_text value) {
  sigv4_header *header = new_header(headers);
  if (!header) {
    headers->failed = true;
    return;
  }

  *header = (sigv4_header){.name = headers->text.size, .role = SIGV4_SIGNED, .own = true};
  text_buffer_text(&headers->text, name);
  header->name_size = headers->text.size - header->name;
  header->value = headers->text.size;
  text_buffer_append(&headers->text, value.at, value.size);
  header->value_size = headers->text.size - header->value;
  headers->failed = headers->failed || headers->text.failed;
}

const char *sigv4_headers_append(sigv4_headers *headers, sigv4_text value) {
  if (headers->failed) return NULL;
  sigv4_header *header = &headers->headers[headers->count - 1];
  text_buffer_byte(&headers->text, ',');
  const char *wrong = append_trimmed(&headers->text, value);
  header->value_size = headers->text.size - header->value;
  headers->failed = headers->text.failed;

  return wrong;
}

sigv4_header *sigv4_headers_find(const sigv4_headers *headers, const char *name) {
  for (size_t i = 0; i < headers->count; i++)
    if (sigv4_text_is(sigv4_headers_name(headers, &headers->headers[i]), name))
      return &headers->headers[i];
  return NULL;
}

void sigv4_headers_remove(sigv4_headers *headers, sigv4_header *header) {
  *header = headers->headers[--headers->count];
}

static int compare_names(const void *left, const void *right, void *context) {
  const sigv4_headers *headers = context;
  return sigv4_text_compare(sigv4_headers_name(headers, left), sigv4_headers_name(headers, right));
}

bool sigv4_headers_sort(sigv4_headers *headers) {
  if (headers->count < 2) return false;
  qsort_r(headers->headers, headers->count, sizeof *headers->headers, compare_names, headers);
  for (size_t i = 1; i < headers->count; i++)
    if (compare_names(&headers->headers[i - 1], &headers->headers[i], headers) == 0) return true;
  return false;
}

void sigv4_headers_canonical(text_buffer *out, const sigv4_headers *headers) {
  for (size_t i = 0; i < headers->count; i++) {
    const sigv4_header *header = &headers->headers[i];
    if (header->role != SIGV4_SIGNED) continue;
    text_buffer_append(out, headers->text.data + header->name, header->name_size);
    text_buffer_byte(out, ':');
    text_buffer_append(out, headers->text.data + header->value, header->value_size);
    text_buffer_byte(out, '\n');
  }
}

void sigv4_headers_signed(text_buffer *out, const sigv4_headers *headers) {
  size_t start = out->size;
  for (size_t i = 0; i < headers->count; i++) {
    const sigv4_header *header = &headers->headers[i];
    if (header->role != SIGV4_SIGNED) continue;
    if (out->size > start) text_buffer_byte(out, ';');
    text_buffer_append(out, headers->text.data + header->name, header->name_size);
  }
}
