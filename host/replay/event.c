/* Events of a verdict, and their texts. See impl.h. */
#include <stdlib.h>
#include <string.h>

#include "replay/impl.h"

replay_event *replay_event_new(replay_verdict *verdict, replay_event_type type, size_t line) {
  if (verdict->event_count == verdict->event_capacity) {
    size_t capacity = verdict->event_capacity ? verdict->event_capacity * 2 : 16;
    replay_event *events = realloc(verdict->events, capacity * sizeof *events);
    if (!events) {
      verdict->short_of_memory = true;
      return NULL;
    }

    verdict->events = events;
    verdict->event_capacity = capacity;
  }

  replay_event *event = &verdict->events[verdict->event_count++];
  *event = (replay_event){.type = type, .line = line};
  return event;
}

enum { CHUNK_BYTES = 64 * 1024 };

struct replay_chunk {
  replay_chunk *next;
  size_t used, size;
  char bytes[];
};

static replay_chunk *add_chunk(replay_verdict *verdict, size_t least) {
  size_t size = least > CHUNK_BYTES ? least : CHUNK_BYTES;
  replay_chunk *chunk = malloc(sizeof *chunk + size);
  if (!chunk) return NULL;
  *chunk = (replay_chunk){.next = verdict->texts, .size = size};
  verdict->texts = chunk;
  return chunk;
}

/* Room for a text; NULL, noted in the verdict, when memory is short. */
static char *reserve(replay_verdict *verdict, size_t size) {
  replay_chunk *chunk = verdict->texts;
  if (!chunk || chunk->size - chunk->used < size) chunk = add_chunk(verdict, size);
  if (!chunk) {
    verdict->short_of_memory = true;
    return NULL;
  }

  char *text = chunk->bytes + chunk->used;
  chunk->used += size;
  return text;
}

static char *copy(replay_verdict *verdict, const char *bytes, size_t size) {
  char *text = reserve(verdict, size + 1);
  if (!text) return NULL;
  if (size > 0) memcpy(text, bytes, size);
  text[size] = '\0';
  return text;
}

char *replay_event_copy(replay_verdict *verdict, const char *text) {
  return copy(verdict, text, strlen(text));
}

char *replay_event_span(replay_verdict *verdict, json_span span) {
  size_t quotes = span.type == JSON_STRING ? 1 : 0;
  return span.at ? copy(verdict, span.at - quotes, span.size + 2 * quotes) : NULL;
}

char *replay_event_text(replay_verdict *verdict, json_span string) {
  char *text = string.at ? reserve(verdict, string.size + 1) : NULL;
  if (text) text[json_unescape(string, text)] = '\0';
  return text;
}

char *replay_event_buffer(replay_verdict *verdict, const text_buffer *buffer) {
  if (!buffer->failed) return copy(verdict, buffer->data, buffer->size);
  verdict->short_of_memory = true;
  return NULL;
}

static void free_chunks(replay_chunk *chunk) {
  while (chunk) {
    replay_chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
}

/* Keeps one chunk for the next block of lines, unless it was made for a very large text. */
static void empty_chunks(replay_verdict *verdict) {
  replay_chunk *newest = verdict->texts;
  bool kept = newest && newest->size == CHUNK_BYTES;
  free_chunks(kept ? newest->next : newest);
  verdict->texts = kept ? newest : NULL;
  if (kept) *newest = (replay_chunk){.size = CHUNK_BYTES};
}

void replay_verdict_reset(replay_verdict *verdict) {
  empty_chunks(verdict);
  verdict->event_count = 0;
  verdict->transcript.size = 0;
  verdict->counts = (replay_counts){0};
  verdict->short_of_memory = false;
}

void replay_verdict_free(replay_verdict *verdict) {
  free_chunks(verdict->texts);
  free(verdict->events);
  text_buffer_free(&verdict->transcript);
}
