/* How long a JSON value is, however it was written: without white space, and with each character of
 * a text as its UTF-8 bytes. Numbers keep their text. Allocates nothing. */
#ifndef WEIR_CORE_JSON_PLAIN_SIZE_H
#define WEIR_CORE_JSON_PLAIN_SIZE_H

#include "core/json/scan.h"

/* The span is of a value that the scanner accepted; a string has its two quotes counted. */
size_t json_plain_size(json_span value);

#endif
