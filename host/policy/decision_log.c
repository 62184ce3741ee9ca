/* Writes lines of the decision log; host/core/recording/decision_line.c reads them. See
 * decision_log.h. */
#include "policy/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/json/compact.h"
#include "core/json/writer.h"
#include "policy/impl.h"

/* A text that must arrive unchanged; NULL leaves the member out. */
static bool write_text(json_writer *line, const char *name, const char *text) {
  return !text || json_writer_exact(line, name, text, strlen(text));
}

static void write_json(json_writer *line, const char *name, const text_buffer *json) {
  json_writer_json(line, name, json->data, json->size);
}

static bool write_facts(const policy_question *question, text_buffer *out) {
  const char *text = question->facts;
  size_t size = question->facts_size;
  if (!question->known.compact) return json_compact(text, size, out);
  text_buffer_append(out, text, size);
  return true;
}

static bool write_policy(json_writer *line, const policy_summary *policy) {
  json_writer_object(line, "policy");
  bool ok = write_text(line, "name", policy->name) && write_text(line, "digest", policy->digest);
  json_writer_end(line);
  return ok;
}

bool decision_log_line(const policy_kind *kind, const policy_question *question,
                       const policy_answer *answer, const decision_origin *origin,
                       text_buffer *out) {
  json_writer line = json_writer_to(out);
  json_writer_object(&line, NULL);
  bool ok = write_text(&line, "schema", "weir.decision/1") && write_text(&line, "id", origin->id) &&
            write_text(&line, "time", origin->time) &&
            write_text(&line, "request_id", origin->request_id) &&
            write_text(&line, "kind", kind->name) && write_policy(&line, &kind->policy) &&
            write_text(&line, "host", WEIR_VERSION);

  write_json(&line, "params", &kind->in_force.json);
  write_json(&line, "overrides", &kind->in_force.overridden);
  json_writer_member(&line, "facts");
  ok = ok && write_facts(question, out);
  write_json(&line, "decision", &answer->decision);
  write_json(&line, "because", &answer->because);

  const char *redacted = origin->redacted ? origin->redacted : "[]";
  json_writer_json(&line, "redacted", redacted, strlen(redacted));
  json_writer_integer(&line, "eval_us", origin->eval_us);
  json_writer_end(&line);

  return ok && !out->failed;
}

bool decision_log_append(const char *path, text_buffer *line) {
  text_buffer_byte(line, '\n');
  int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  ssize_t written = line->failed ? -1 : write(descriptor, line->data, line->size);
  int problem = written < 0 ? errno : ENOSPC;
  bool ok = close(descriptor) == 0 && written == (ssize_t)line->size;
  line->size--;
  if (!ok) errno = problem;

  return ok;
}
