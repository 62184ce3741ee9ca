/* See runtime_answer.h. */
#include "core/runtime_api/runtime_answer.h"

#include <strings.h>

/* READ_SIZE: an ordinary event and its head in one read. KEEP_BODY: what a few large events make
 * the buffer grow to is not kept for all the small ones. */
enum { READ_SIZE = 16 << 10, KEEP_BODY = 1 << 20, CHUNK_LINE_MAX = 1024 };

typedef struct {
  runtime_answer *answer;
  runtime_answer_source source;
  void *context;
  text_buffer *pending; /* bytes read and not yet used: the tail of answer->head */
  size_t at;            /* the first of them */
} reader;

static bool fail(runtime_answer *answer, const char *problem) {
  answer->problem = problem;
  answer->close = true;
  return false;
}

/* Reads some bytes to the end of the buffer. */
static bool fill(reader *self, text_buffer *into, size_t most) {
  if (!text_buffer_reserve(into, most)) return fail(self->answer, "not enough memory");
  ssize_t got = self->source(self->context, into->data + into->size, most);
  if (got <= 0) return fail(self->answer, "the connection ended too early");
  into->size += (size_t)got;

  return true;
}

/* Head -------------------------------------------------------------------------------------- */

/* The place after the empty line, or 0. */
static size_t head_end(const text_buffer *head, size_t from) {
  const char *at = head->data + from, *begin = at, *end = head->data + head->size;
  while ((at = memchr(at, '\n', (size_t)(end - at)))) {
    at++;
    if (at - begin >= 4 && memcmp(at - 4, "\r\n\r\n", 4) == 0) return (size_t)(at - head->data);
  }

  return 0;
}

static bool receive_head(reader *self, size_t head_max) {
  text_buffer *head = &self->answer->head;
  size_t searched = self->at, end = 0;
  while (head->size == 0 || !(end = head_end(head, searched))) {
    if (head->size > head_max) return fail(self->answer, "the head of the answer is too large");
    if (head->size > self->at + 3) searched = head->size - 3;
    size_t before = head->size;
    if (!fill(self, head, READ_SIZE)) {
      self->answer->got_nothing = before == 0;
      return false;
    }
  }

  self->at = end;

  return true;
}

static bool parse_status(runtime_answer *answer, const char *line, size_t size) {
  bool version =
      size >= 12 && (memcmp(line, "HTTP/1.1 ", 9) == 0 || memcmp(line, "HTTP/1.0 ", 9) == 0);
  for (size_t i = 9; version && i < 12; i++) version = line[i] >= '0' && line[i] <= '9';
  if (!version || (size > 12 && line[12] != ' '))
    return fail(answer, "the answer has no HTTP status line");
  answer->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  answer->close = line[7] == '0';

  return true;
}

static bool parse_size(const char *text, int base, size_t *size) {
  *size = 0;
  const char *digit = text;
  for (; *digit; digit++) {
    int value = *digit >= '0' && *digit <= '9'   ? *digit - '0'
                : *digit >= 'a' && *digit <= 'f' ? *digit - 'a' + 10
                : *digit >= 'A' && *digit <= 'F' ? *digit - 'A' + 10
                                                 : base;
    if (value >= base || *size > SIZE_MAX / 32) return false;
    *size = *size * (size_t)base + (size_t)value;
  }

  return digit > text;
}

static bool note_length(runtime_answer *answer, const char *value) {
  size_t length;
  if (!parse_size(value, 10, &length) || (answer->has_length && length != answer->length))
    return fail(answer, "the length of the answer is not a number");
  answer->length = length;
  answer->has_length = true;

  return true;
}

static bool is_named(const char *name, size_t size, const char *wanted, size_t wanted_size) {
  return size == wanted_size && strcasecmp(name, wanted) == 0;
}

#define IS_NAMED(text) is_named(name, size, text, sizeof text - 1)

static bool note_header(runtime_answer *answer, const char *name, size_t size, const char *value) {
  if (IS_NAMED("content-length")) return note_length(answer, value);
  if (IS_NAMED("transfer-encoding")) {
    if (strcasecmp(value, "chunked") != 0) return fail(answer, "an unknown transfer encoding");
    answer->chunked = true;
  } else if (IS_NAMED("connection") && strcasecmp(value, "close") == 0) {
    answer->close = true;
  }

  return true;
}

/* Ends the name at its colon and the value at its line's end. */
static bool parse_header(runtime_answer *answer, char *line, char *end) {
  char *colon = memchr(line, ':', (size_t)(end - line));
  if (!colon || colon == line || *line == ' ' || *line == '\t')
    return fail(answer, "a header of the answer is malformed");
  if (answer->header_count == RUNTIME_ANSWER_HEADERS_MAX)
    return fail(answer, "the answer has too many headers");
  char *value = colon + 1;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
  *colon = *end = '\0';
  const char *head = answer->head.data;
  answer->headers[answer->header_count++] =
      (runtime_answer_field){(size_t)(line - head), (size_t)(colon - line), (size_t)(value - head)};
  return note_header(answer, line, (size_t)(colon - line), value);
}

/* The "\r\n" that ends the line, or NULL: a line end or a NUL by itself would let one line be read
 * as two. The head, which ends at `end`, ends in "\r\n". */
static char *find_line_end(char *line, const char *end) {
  char *last = memchr(line, '\r', (size_t)(end - line));
  if (!last || last[1] != '\n') return NULL;
  size_t size = (size_t)(last - line);
  return memchr(line, '\n', size) || memchr(line, '\0', size) ? NULL : last;
}

static bool parse_head(runtime_answer *answer, size_t from, size_t size) {
  char *line = answer->head.data + from, *end = answer->head.data + from + size - 2;
  bool first = true;
  answer->has_length = answer->chunked = answer->close = false;
  answer->header_count = 0;
  while (line < end) {
    char *line_end = find_line_end(line, end + 2);
    if (!line_end) return fail(answer, "the head of the answer is malformed");
    bool ok = first ? parse_status(answer, line, (size_t)(line_end - line))
                    : parse_header(answer, line, line_end);
    if (!ok) return false;
    first = false;
    line = line_end + 2;
  }

  if (answer->chunked && answer->has_length)
    return fail(answer, "the answer has two lengths that may differ");
  return true;
}

/* Body -------------------------------------------------------------------------------------- */

/* Moves up to size bytes of what is pending into the body; the count. */
static size_t take_pending(reader *self, size_t size) {
  size_t there = self->pending->size - self->at;
  if (size > there) size = there;
  text_buffer_append(&self->answer->body, self->pending->data + self->at, size);
  self->at += size;

  return size;
}

static bool receive_bytes(reader *self, size_t size) {
  text_buffer *body = &self->answer->body;
  if (!text_buffer_reserve(body, size)) return fail(self->answer, "not enough memory");
  size_t left = size - take_pending(self, size);
  while (left > 0) {
    size_t before = body->size;
    if (!fill(self, body, left)) return false;
    left -= body->size - before;
  }

  return true;
}

/* One line of the chunked coding, without its end, NUL-terminated. */
static char *receive_line(reader *self) {
  text_buffer *pending = self->pending;
  for (;;) {
    size_t there = pending->size - self->at;
    char *line = pending->data + self->at, *end = there ? memmem(line, there, "\r\n", 2) : NULL;
    if (end) {
      *end = '\0';
      self->at = (size_t)(end - pending->data) + 2;
      return line;
    }

    if (there > CHUNK_LINE_MAX) {
      fail(self->answer, "a chunk of the answer has no size");
      return NULL;
    }

    if (!fill(self, pending, READ_SIZE)) return NULL;
  }
}

static bool receive_chunks(reader *self, size_t body_max) {
  runtime_answer *answer = self->answer;
  size_t size;
  /* Small chunks come in large numbers: what was used of the pending bytes makes room again. */
  size_t start = self->at;
  for (;;) {
    char *line = receive_line(self);
    if (!line) return false;
    line[strcspn(line, "; \t")] = '\0'; /* extensions mean nothing here */
    if (!parse_size(line, 16, &size)) return fail(answer, "a chunk of the answer has no size");
    if (size == 0) break;
    if (size > body_max - answer->body.size) {
      answer->close = answer->too_large = true;
      return true;
    }

    if (!receive_bytes(self, size)) return false;
    line = receive_line(self);
    if (!line || *line) return fail(answer, "a chunk of the answer does not end where it says");
    memmove(self->pending->data + start, self->pending->data + self->at,
            self->pending->size - self->at);
    self->pending->size -= self->at - start;
    self->at = start;
  }

  for (;;) { /* trailers, which say nothing that is needed */
    char *line = receive_line(self);
    if (!line) return false;
    if (!*line) return true;
  }
}

static bool receive_rest(reader *self, size_t body_max) {
  runtime_answer *answer = self->answer;
  answer->close = true;
  take_pending(self, SIZE_MAX);
  while (answer->body.size <= body_max) {
    if (!text_buffer_reserve(&answer->body, READ_SIZE)) return fail(answer, "not enough memory");
    ssize_t got = self->source(self->context, answer->body.data + answer->body.size, READ_SIZE);
    if (got < 0) return fail(answer, "the connection ended too early");
    if (got == 0) return true;
    answer->body.size += (size_t)got;
  }

  answer->too_large = true;

  return true;
}

static bool receive_body(reader *self, size_t body_max) {
  runtime_answer *answer = self->answer;
  if (answer->status == 204 || answer->status == 304) return true;
  if (answer->chunked) return receive_chunks(self, body_max);
  if (!answer->has_length) return receive_rest(self, body_max);
  if (answer->length <= body_max) return receive_bytes(self, answer->length);
  answer->close = answer->too_large = true;

  return true;
}

bool runtime_answer_receive(runtime_answer *answer, runtime_answer_source source, void *context,
                            size_t head_max, size_t body_max) {
  runtime_answer_clear(answer);
  answer->head.size = answer->header_count = 0;
  answer->too_large = answer->got_nothing = false;
  answer->problem = NULL;
  reader self = {answer, source, context, &answer->head, 0};
  do {
    size_t from = self.at;
    if (!receive_head(&self, head_max) || !parse_head(answer, from, self.at - from)) return false;
    if (answer->status == 101) return fail(answer, "the peer wants to speak another protocol");
  } while (answer->status < 200);
  if (!receive_body(&self, body_max)) return false;
  if (answer->body.failed) return fail(answer, "not enough memory");
  if (!answer->too_large && self.at < answer->head.size)
    answer->close = true; /* asked for nothing more */
  return true;
}

const char *runtime_answer_header(const runtime_answer *answer, const char *name) {
  size_t size = strlen(name);
  for (size_t i = 0; i < answer->header_count; i++) {
    const runtime_answer_field *field = &answer->headers[i];
    if (is_named(answer->head.data + field->name, field->name_size, name, size))
      return answer->head.data + field->value;
  }

  return "";
}

void runtime_answer_clear(runtime_answer *answer) {
  if (answer->body.size > 0) explicit_bzero(answer->body.data, answer->body.size);
  answer->body.size = 0;
  if (answer->body.capacity > KEEP_BODY || answer->body.failed) text_buffer_free(&answer->body);
}

void runtime_answer_free(runtime_answer *answer) {
  runtime_answer_clear(answer);
  text_buffer_free(&answer->body);
  text_buffer_free(&answer->head);
}
