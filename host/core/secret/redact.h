/* Takes out of a text what must not be shown, without being told where it came from: secrets whose
 * values are known, and whatever looks like a task token.
 * Memory: `out` is the caller's; copies of secrets are wiped. */
#ifndef WEIR_CORE_SECRET_REDACT_H
#define WEIR_CORE_SECRET_REDACT_H

#include "core/text/text_buffer.h"

typedef struct {
  const char *bytes;
  size_t size;
} secret_value;

/* Appends the text with "[redacted]" for
 *   - every whole occurrence of a known secret,
 *   - every run of base64 characters with "AAAAKgAAAA" in it, as Step Functions' task tokens begin,
 *   - every run of 256 or more characters of base64, in either alphabet,
 * as they are, escaped as in JSON, URLs or XML (however often), or in base64. Answers whether there
 * was one; when there was none nothing is appended. Without memory `out` fails: nothing of the text
 * may be shown. */
bool secret_redact(text_buffer *out, const char *text, size_t size, const secret_value *known,
                   size_t count);

/* Whether a task token may begin somewhere in the text, as it is or in base64. */
bool secret_has_start(const char *text, size_t size);

/* Whether secret_redact leaves the text as it is, found out in one look. False where that takes
 * more than a look. */
bool secret_is_harmless(const char *text, size_t size, const secret_value *known, size_t count);

#endif
