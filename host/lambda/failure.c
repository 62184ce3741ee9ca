/* The JSON of an error that no Lua code can tell of. See impl.h. Memory: appends to the caller's
 * buffer. */
#include "core/json/writer.h"
#include "lambda/impl.h"

void lambda_failure_write(text_buffer *out, const char *type, const char *message) {
  json_writer json = json_writer_to(out);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "errorMessage", message);
  json_writer_text(&json, "errorType", type);
  json_writer_array(&json, "stackTrace");
  json_writer_end(&json);
  json_writer_end(&json);
}

void lambda_failure_send_init(runtime_api *api, const char *type, const char *message) {
  text_buffer json = {0};
  if (!api) return;
  lambda_failure_write(&json, type, message);
  runtime_api_fail(api, NULL, type, json.failed ? "{}" : json.data, json.failed ? 2 : json.size);
  text_buffer_free(&json);
}
