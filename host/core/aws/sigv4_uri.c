/* See sigv4_uri.h. */
#include "core/aws/sigv4_uri.h"

static bool is_unreserved(unsigned char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static void encode_byte(text_buffer *out, unsigned char byte) {
  static const char digits[] = "0123456789ABCDEF";
  char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
  text_buffer_append(out, escape, sizeof escape);
}

void sigv4_uri_encode(text_buffer *out, sigv4_text text, bool keep_slash) {
  for (size_t i = 0; i < text.size; i++) {
    size_t plain = i;
    while (i < text.size &&
           (is_unreserved((unsigned char)text.at[i]) || (keep_slash && text.at[i] == '/')))
      i++;
    text_buffer_append(out, text.at + plain, i - plain);
    if (i < text.size) encode_byte(out, (unsigned char)text.at[i]);
  }
}

static inline bool is_one_of(const char *stops, char byte) {
  while (*stops && *stops != byte) stops++;
  return *stops;
}

/* Inlined, so that comparing with the stops does not cost a call for each byte. */
static inline sigv4_text take_until(sigv4_text *rest, const char *stops) {
  sigv4_text head = {rest->at, 0};
  while (head.size < rest->size && !is_one_of(stops, rest->at[head.size])) head.size++;
  rest->at += head.size;
  rest->size -= head.size;

  return head;
}

/* A line break in a URL could begin a header of its own. */
static bool has_control(sigv4_text text) {
  unsigned found = 0;
  for (size_t i = 0; i < text.size; i++)
    found |= ((unsigned char)text.at[i] < ' ') | (text.at[i] == 0x7f);
  return found;
}

static bool is_host(sigv4_text text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.at[i] <= ' ' || text.at[i] > '~') return false;
  return text.size > 0;
}

/* HTTP sends no port when it is the scheme's own, so neither does the signature. */
static sigv4_text without_default_port(sigv4_text authority, const char *port) {
  size_t size = strlen(port);
  if (authority.size > size && memcmp(authority.at + authority.size - size, port, size) == 0)
    authority.size -= size;
  return authority;
}

const char *sigv4_uri_parse(sigv4_text url, sigv4_url *parts) {
  if (has_control(url)) return "it contains a control character";
  bool tls = sigv4_text_starts(url, "https://");
  if (!tls && !sigv4_text_starts(url, "http://")) return "it must begin with https:// or http://";
  size_t scheme = tls ? strlen("https://") : strlen("http://");
  sigv4_text rest = {url.at + scheme, url.size - scheme};
  sigv4_text authority = take_until(&rest, "/?#");
  if (memchr(authority.at, '@', authority.size)) return "it must not carry a user name";
  if (!is_host(authority)) return "its host is empty or contains a space or non-ASCII";
  parts->host = without_default_port(authority, tls ? ":443" : ":80");
  parts->path = take_until(&rest, "?#");
  parts->query = (sigv4_text){rest.at, 0};
  if (rest.size > 0 && *rest.at == '?') {
    rest.at++;
    rest.size--;
    parts->query = take_until(&rest, "#");
  }

  if (rest.size > 0) return "it has a fragment: write '#' as %23";

  return NULL;
}

void sigv4_uri_sendable(text_buffer *out, sigv4_text path) {
  for (size_t i = 0; i < path.size; i++) {
    unsigned char byte = (unsigned char)path.at[i];
    if (byte <= ' ' || byte >= 0x7f)
      encode_byte(out, byte);
    else
      text_buffer_byte(out, (char)byte);
  }
}

/* RFC 3986 section 5.2.4, with empty segments dropped too. `out` ends in "/" or a segment. */
static void append_resolved(text_buffer *out, sigv4_text path) {
  size_t start = out->size;
  while (path.size > 0) {
    sigv4_text segment = take_until(&path, "/");
    if (path.size > 0) {
      path.at++;
      path.size--;
    }

    if (segment.size == 0 || sigv4_text_is(segment, ".")) continue;
    if (sigv4_text_is(segment, "..")) {
      while (out->size > start && out->data[--out->size] != '/') continue;
      continue;
    }

    text_buffer_byte(out, '/');
    sigv4_uri_encode(out, segment, false);
  }
}

void sigv4_uri_canonical_path(text_buffer *out, sigv4_text path, bool s3) {
  if (path.size == 0) {
    text_buffer_byte(out, '/');
  } else if (s3) {
    sigv4_uri_sendable(out, path);
  } else {
    size_t start = out->size;
    append_resolved(out, path);
    if (out->size == start || path.at[path.size - 1] == '/') text_buffer_byte(out, '/');
  }
}

void sigv4_uri_query_clear(sigv4_query *query) {
  query->encoded.size = 0;
  query->count = 0;
}

void sigv4_uri_query_free(sigv4_query *query) {
  if (query->encoded.data) explicit_bzero(query->encoded.data, query->encoded.capacity);
  text_buffer_free(&query->encoded);
  free(query->parameters);
  *query = (sigv4_query){0};
}

static sigv4_parameter *new_parameter(sigv4_query *query) {
  if (query->count == query->capacity) {
    size_t capacity = query->capacity ? 2 * query->capacity : 16;
    sigv4_parameter *grown = realloc(query->parameters, capacity * sizeof *grown);
    if (!grown) {
      query->failed = true;
      return NULL;
    }

    query->parameters = grown;
    query->capacity = capacity;
  }

  return &query->parameters[query->count++];
}

void sigv4_uri_query_add(sigv4_query *query, sigv4_text name, sigv4_text value) {
  sigv4_parameter *parameter = new_parameter(query);
  if (!parameter) return;
  parameter->name = query->encoded.size;
  sigv4_uri_encode(&query->encoded, name, false);
  parameter->name_size = query->encoded.size - parameter->name;
  parameter->value = query->encoded.size;
  sigv4_uri_encode(&query->encoded, value, false);
  parameter->value_size = query->encoded.size - parameter->value;
}

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* A '%' that begins no escape stands for itself. */
static void encode_again(text_buffer *out, sigv4_text text) {
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.at[i];
    if (byte == '%' && i + 2 < text.size) {
      int high = hex_value(text.at[i + 1]), low = hex_value(text.at[i + 2]);
      if (high >= 0 && low >= 0) {
        byte = (char)(high << 4 | low);
        i += 2;
      }
    }

    sigv4_uri_encode(out, (sigv4_text){&byte, 1}, false);
  }
}

void sigv4_uri_query_parse(sigv4_query *query, sigv4_text text) {
  while (text.size > 0) {
    sigv4_text value = take_until(&text, "&");
    if (text.size > 0) {
      text.at++;
      text.size--;
    }

    if (value.size == 0) continue;
    sigv4_text name = take_until(&value, "=");
    if (value.size > 0) {
      value.at++;
      value.size--;
    }

    sigv4_parameter *parameter = new_parameter(query);
    if (!parameter) return;
    parameter->name = query->encoded.size;
    encode_again(&query->encoded, name);
    parameter->name_size = query->encoded.size - parameter->name;
    parameter->value = query->encoded.size;
    encode_again(&query->encoded, value);
    parameter->value_size = query->encoded.size - parameter->value;
  }
}

static sigv4_text place(const sigv4_query *query, size_t at, size_t size) {
  return (sigv4_text){query->encoded.data + at, size};
}

void sigv4_uri_query_remove(sigv4_query *query, const char *name) {
  size_t kept = 0;
  for (size_t i = 0; i < query->count; i++) {
    const sigv4_parameter *parameter = &query->parameters[i];
    bool same = parameter->name_size == strlen(name) &&
                sigv4_text_starts(place(query, parameter->name, parameter->name_size), name);
    if (!same) query->parameters[kept++] = *parameter;
  }

  query->count = kept;
}

static int compare_parameters(const void *left, const void *right, void *context) {
  const sigv4_parameter *a = left, *b = right;
  const sigv4_query *query = context;
  int order =
      sigv4_text_compare(place(query, a->name, a->name_size), place(query, b->name, b->name_size));
  return order != 0 ? order
                    : sigv4_text_compare(place(query, a->value, a->value_size),
                                         place(query, b->value, b->value_size));
}

void sigv4_uri_canonical_query(text_buffer *out, sigv4_query *query) {
  size_t start = out->size;
  if (query->count > 1)
    qsort_r(query->parameters, query->count, sizeof *query->parameters, compare_parameters, query);
  for (size_t i = 0; i < query->count; i++) {
    const sigv4_parameter *parameter = &query->parameters[i];
    sigv4_text name = place(query, parameter->name, parameter->name_size);
    if (out->size > start) text_buffer_byte(out, '&');
    text_buffer_append(out, name.at, name.size);
    text_buffer_byte(out, '=');
    text_buffer_append(out, query->encoded.data + parameter->value, parameter->value_size);
  }

  query->failed = query->failed || query->encoded.failed;
}
