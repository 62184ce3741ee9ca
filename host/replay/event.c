/* Events of a verdict, and the texts that they own. See impl.h. */
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

char *replay_event_noted(replay_verdict *verdict, char *copy) {
  if (!copy) verdict->short_of_memory = true;
  return copy;
}

char *replay_event_span(replay_verdict *verdict, json_span span) {
  size_t quotes = span.type == JSON_STRING ? 1 : 0;
  return span.at ? replay_event_noted(verdict, strndup(span.at - quotes, span.size + 2 * quotes))
                 : NULL;
}

char *replay_event_text(replay_verdict *verdict, json_span string) {
  if (!string.at) return NULL;
  char *text = malloc(string.size + 1);
  if (text) text[json_unescape(string, text)] = '\0';
  return replay_event_noted(verdict, text);
}

char *replay_event_buffer(replay_verdict *verdict, const text_buffer *buffer) {
  if (buffer->failed) return replay_event_noted(verdict, NULL);
  return replay_event_noted(verdict, strndup(buffer->data ? buffer->data : "", buffer->size));
}

static void event_free(replay_event *event) {
  free(event->id);
  free(event->kind);
  free(event->field);
  free(event->was);
  free(event->was_action);
  free(event->is_action);
  free(event->was_because);
  free(event->is);
  free(event->is_because);
  free(event->code);
  free(event->message);
  free(event->time);
  free(event->facts);
}

void replay_verdict_reset(replay_verdict *verdict) {
  for (size_t i = 0; i < verdict->event_count; i++) event_free(&verdict->events[i]);
  verdict->event_count = 0;
  verdict->transcript.size = 0;
  verdict->counts = (replay_counts){0};
  verdict->short_of_memory = false;
}

void replay_verdict_free(replay_verdict *verdict) {
  replay_verdict_reset(verdict);
  free(verdict->events);
  text_buffer_free(&verdict->transcript);
}
