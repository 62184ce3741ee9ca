/* Where two JSON values first differ. Objects compare without regard to order of members, numbers
 * by value, texts after unescaping.
 * Memory: none kept. */
#ifndef WEIR_CORE_JSON_DIFF_H
#define WEIR_CORE_JSON_DIFF_H

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

/* True when they differ; `path` then ends in the first place that does: ".weights.blue", "[2]".
 * The order is that of `a`'s members, then what only `b` has. */
bool json_first_difference(json_span a, json_span b, text_buffer *path);

#endif
