/* Reads an invocation from the answer to /next. See impl.h. Memory: the texts are the answer's. */
#include <string.h>

#include "core/runtime_api/impl.h"

/* An id goes back into a path: one that would change the request's
 * meaning is refused. */
static bool is_request_id(const char *id) {
  size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
  return size > 0 && size <= 128 && id[size] == '\0';
}

/* An invocation id goes back into a header. One that a header cannot hold is not sent back, as if
 * Lambda had sent none: it then accepts the answer without comparing. */
static const char *sendable(const char *id) {
  for (const char *at = id; *at; at++)
    if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) return "";
  return id;
}

bool runtime_api_read_invocation(const runtime_answer *answer, runtime_invocation *invocation) {
  *invocation = (runtime_invocation){
      .request_id = runtime_answer_header(answer, "lambda-runtime-aws-request-id"),
      .invocation_id = sendable(runtime_answer_header(answer, "lambda-runtime-invocation-id")),
      .deadline_ms = runtime_answer_header(answer, "lambda-runtime-deadline-ms"),
      .function_arn = runtime_answer_header(answer, "lambda-runtime-invoked-function-arn"),
      .trace_id = runtime_answer_header(answer, "lambda-runtime-trace-id"),
      .client_context = runtime_answer_header(answer, "lambda-runtime-client-context"),
      .cognito_identity = runtime_answer_header(answer, "lambda-runtime-cognito-identity"),
      .tenant_id = runtime_answer_header(answer, "lambda-runtime-aws-tenant-id"),
      .event = answer->body.data ? answer->body.data : "",
      .event_size = answer->body.size,
  };
  return is_request_id(invocation->request_id);
}
