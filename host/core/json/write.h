/* Writes canonical JSON: compact, ASCII-safe (everything outside printable ASCII as \uXXXX,
 * surrogate pairs included), shortest round-trip numbers. The same value gives the same bytes
 * on every machine; objects are canonical when the caller writes members in byte order of key.
 * Memory: appends to the caller's text_buffer. */
#ifndef WEIR_CORE_JSON_WRITE_H
#define WEIR_CORE_JSON_WRITE_H

#include "core/text/text_buffer.h"

/* A quoted string from UTF-8 bytes. False when they are not valid UTF-8; the buffer then ends in
 * a part of the string. '/' is not escaped; \b \f \n \r \t are short; other controls and DEL are
 * \u00XX in lower-case hex. */
bool json_write_string(text_buffer *out, const char *bytes, size_t size);

/* The same, but non-ASCII UTF-8 passes as it is (weir.json's default). */
bool json_write_string_utf8(text_buffer *out, const char *bytes, size_t size);

void json_write_integer(text_buffer *out, int64_t value);

/* The shortest digits that read back as the same double. An integral value keeps a ".0" (3.0,
 * -0.0), very large and small ones an exponent (1e+16, 1.5e-07): a double never reads back as an
 * integer. False for NaN and infinities, which JSON cannot hold. */
bool json_write_double(text_buffer *out, double value);

#endif
