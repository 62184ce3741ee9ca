/* See finding.h. A finding that cannot be stored for want of memory still counts as an error, so
 * a set with findings is never taken for a clean one. */
#include "core/policy_files/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/shown_text.h"

void finding_list_free(finding_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i].file);
    free(list->items[i].message);
    free(list->items[i].hint);
  }

  free(list->items);
  *list = (finding_list){0};
}

void finding_list_blame(finding_list *list, finding_cause cause) {
  if (cause > list->cause) list->cause = cause;
}

void finding_out_of_memory(finding_list *list, const char *file) {
  finding_error(list, file, 0, "W001", "not enough memory to load it");
  finding_list_blame(list, FINDING_CAUSE_MEMORY);
}

/* One more place at the end; NULL when memory is short. */
static finding *next_place(finding_list *list) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 8;
    finding *items = realloc(list->items, capacity * sizeof *items);
    if (!items) return NULL;
    list->items = items;
    list->capacity = capacity;
  }

  return &list->items[list->count];
}

void finding_list_move(finding_list *from, finding_list *to) {
  to->errors += from->errors;
  finding_list_blame(to, from->cause);
  for (size_t i = 0; i < from->count; i++) {
    finding *place = next_place(to);
    if (!place) {
      finding_list_blame(to, FINDING_CAUSE_MEMORY);
      break;
    }

    *place = from->items[i];
    from->items[i] = (finding){0};
    to->count++;
  }

  finding_list_free(from);
}

/* Messages quote policies: a policy decides neither how long they are nor whether they are UTF-8.
 */
static char *format_text(const char *format, va_list arguments) {
  char *whole = NULL;
  int size = vasprintf(&whole, format, arguments);
  if (size < 0) return NULL;
  text_buffer shown = {0};
  shown_text_append(&shown, whole, (size_t)size, SHOWN_MESSAGE_BYTES);
  text_buffer_byte(&shown, '\0');
  free(whole);
  if (!shown.failed) return shown.data;
  text_buffer_free(&shown);

  return NULL;
}

static void append(finding_list *list, finding item, const char *file, char *message) {
  if (item.severity == FINDING_ERROR) list->errors++;
  if (message && strstr(message, "not enough memory") && strcmp(item.code, "W001") == 0)
    finding_list_blame(list, FINDING_CAUSE_MEMORY);
  finding *place = next_place(list);
  if (!place) {
    finding_list_blame(list, FINDING_CAUSE_MEMORY);
    free(message);
    return;
  }

  item.file = strdup(file);
  item.message = message;
  if (!item.file || !item.message) {
    finding_list_blame(list, FINDING_CAUSE_MEMORY);
    free(item.file);
    free(item.message);
    return;
  }

  *place = item;
  list->count++;
}

void finding_error(finding_list *list, const char *file, int line, const char *code,
                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *message = format_text(format, arguments);
  va_end(arguments);
  append(list, (finding){.line = line, .severity = FINDING_ERROR, .code = code}, file, message);
}

void finding_warning(finding_list *list, const char *file, int line, const char *code,
                     const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *message = format_text(format, arguments);
  va_end(arguments);
  append(list, (finding){.line = line, .severity = FINDING_WARNING, .code = code}, file, message);
}

void finding_hint(finding_list *list, const char *format, ...) {
  if (list->count == 0) return;
  va_list arguments;
  va_start(arguments, format);
  char *hint = format_text(format, arguments);
  va_end(arguments);
  finding *newest = &list->items[list->count - 1];
  free(newest->hint);
  newest->hint = hint;
}
