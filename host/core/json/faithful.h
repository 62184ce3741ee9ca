/* Reading JSON of any shape that a Lua table must hold without loss: an object that has a key twice
 * would lose one of its values, a number beyond the largest double its size.
 * Linear in the size of the text, n log n in the keys of one object; iterative.
 * Memory: none is kept. */
#ifndef WEIR_CORE_JSON_FAITHFUL_H
#define WEIR_CORE_JSON_FAITHFUL_H

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

/* Reads the next value as json_scan_value does. False with scan->error set when it is not JSON,
 * else with the reason appended to `why`; short of memory, why->failed is set. */
bool json_faithful_value(json_scan *scan, json_span *value, text_buffer *why);

#endif
