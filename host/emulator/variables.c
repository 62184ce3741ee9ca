/* The environment variables of a runtime: Lambda's own, what AWS's SDKs and weir read from the
 * caller's environment, and what --env sets; nothing else. See impl.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "emulator/impl.h"

typedef struct {
  text_buffer text; /* NAME=VALUE NUL … */
  size_t count;
} variable_list;

static bool has_name(const char *entry, const char *name, size_t size) {
  return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

/* Adds NAME=VALUE; a later value of a name replaces the earlier one. */
static void add(variable_list *list, const char *entry) {
  const char *equals = strchr(entry, '=');
  size_t name_size = equals ? (size_t)(equals - entry) : 0, size = strlen(entry) + 1;
  if (name_size == 0) return;
  for (size_t at = 0; at < list->text.size;) {
    char *old = list->text.data + at;
    size_t old_size = strlen(old) + 1;
    if (has_name(old, entry, name_size)) {
      memmove(old, old + old_size, list->text.size - at - old_size);
      list->text.size -= old_size;
      list->count--;
    } else {
      at += old_size;
    }
  }

  text_buffer_append(&list->text, entry, size);
  list->count++;
}

__attribute__((format(printf, 2, 3))) static void set(variable_list *list, const char *format,
                                                      ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) >= 0)
    add(list, text);
  else
    list->text.failed = true;
  va_end(arguments);
  free(text);
}

static void add_inherited(variable_list *list) {
  for (char **entry = environ; *entry; entry++)
    if ((strncmp(*entry, "AWS_", 4) == 0 && strncmp(*entry, "AWS_LAMBDA_", 11) != 0) ||
        strncmp(*entry, "WEIR_", 5) == 0)
      add(list, *entry);
}

static void add_lambda(variable_list *list, const emulator_environment *environment) {
  const emulator_host *emulator = environment->emulator;
  const emulator_options *options = &emulator->options;
  char day[16];
  time_t now = time(NULL);
  struct tm utc;
  strftime(day, sizeof day, "%Y/%m/%d", gmtime_r(&now, &utc));
  set(list, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d", environment->api->number);
  set(list, "_HANDLER=%s", options->handler);
  set(list, "LAMBDA_TASK_ROOT=%s", options->task_root);
  set(list, "LAMBDA_RUNTIME_DIR=%s", options->layer);
  set(list, "AWS_LAMBDA_FUNCTION_NAME=%s", options->function_name);
  set(list, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST");
  set(list, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", options->memory_mb);
  set(list, "AWS_LAMBDA_LOG_GROUP_NAME=%s", emulator->log_group);
  set(list, "AWS_LAMBDA_LOG_STREAM_NAME=%s/[$LATEST]%08x%024x", day, (unsigned)getpid(),
      environment->number);
  set(list, "AWS_LAMBDA_LOG_FORMAT=%s", options->json_logs ? "JSON" : "Text");
  set(list, "AWS_LAMBDA_INITIALIZATION_TYPE=%s",
      options->managed > 0 ? "lambda-managed-instances" : "on-demand");
  if (options->managed > 0) set(list, "AWS_LAMBDA_MAX_CONCURRENCY=%d", options->managed);
}

char **emulator_variables(const emulator_environment *environment) {
  const emulator_options *options = &environment->emulator->options;
  variable_list list = {0};
  add_inherited(&list);
  if (!getenv("AWS_REGION")) set(&list, "AWS_REGION=%s", environment->emulator->region);
  if (!getenv("AWS_DEFAULT_REGION"))
    set(&list, "AWS_DEFAULT_REGION=%s", environment->emulator->region);
  set(&list, "TZ=:UTC");
  set(&list, "LANG=en_US.UTF-8");
  set(&list, "PATH=/usr/local/bin:/usr/bin:/bin:%s/bin", options->layer);
  set(&list, "LD_LIBRARY_PATH=%s:%s/lib:%s/lib", options->task_root, options->task_root,
      options->layer);
  for (const char *const *entry = options->variables; *entry; entry++) add(&list, *entry);
  add_lambda(&list, environment); /* last: these are never the caller's to set */
  size_t pointers = (list.count + 1) * sizeof(char *);
  char **block = list.text.failed ? NULL : malloc(pointers + list.text.size);
  if (block) {
    char *at = memcpy((char *)block + pointers, list.text.data, list.text.size);
    for (size_t i = 0; i < list.count; i++, at += strlen(at) + 1) block[i] = at;
    block[list.count] = NULL;
  }

  text_buffer_free(&list.text);

  return block;
}
