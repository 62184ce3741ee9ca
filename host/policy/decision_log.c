/* See decision_log.h. */
#include "policy/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/json/compact.h"
#include "core/json/write.h"
#include "policy/impl.h"

static bool write_member(text_buffer *out, const char *name, const char *text) {
  if (!text) return true;
  text_buffer_text(out, ",\"");
  text_buffer_text(out, name);
  text_buffer_text(out, "\":");
  return json_write_string(out, text, strlen(text));
}

bool decision_log_line(const policy_kind *kind, const policy_question *question,
                       const policy_answer *answer, const decision_origin *origin,
                       text_buffer *out) {
  text_buffer_text(out, "{\"schema\":\"weir.decision/1\"");
  bool ok = write_member(out, "id", origin->id) && write_member(out, "time", origin->time) &&
            write_member(out, "request_id", origin->request_id) &&
            write_member(out, "kind", kind->name);
  text_buffer_text(out, ",\"policy\":{\"name\":");
  ok = ok && json_write_string(out, kind->policy.name, strlen(kind->policy.name));
  text_buffer_text(out, ",\"digest\":\"");
  text_buffer_text(out, kind->policy.digest);
  text_buffer_text(out, "\"},\"host\":\"" WEIR_VERSION "\",\"params\":");
  text_buffer_append(out, kind->in_force.json.data, kind->in_force.json.size);
  text_buffer_text(out, ",\"overrides\":");
  text_buffer_append(out, kind->in_force.overridden.data, kind->in_force.overridden.size);
  text_buffer_text(out, ",\"facts\":");
  ok = ok && json_compact(question->facts, question->facts_size, out);
  text_buffer_text(out, ",\"decision\":");
  text_buffer_append(out, answer->decision.data, answer->decision.size);
  text_buffer_text(out, ",\"because\":");
  text_buffer_append(out, answer->because.data, answer->because.size);
  text_buffer_text(out, ",\"redacted\":");
  text_buffer_text(out, origin->redacted ? origin->redacted : "[]");
  text_buffer_text(out, ",\"eval_us\":");
  json_write_integer(out, origin->eval_us);
  text_buffer_byte(out, '}');
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
