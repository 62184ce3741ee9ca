/* Decision lines that are printed over several lines, as `aws logs tail --format json` and `jq .`
 * do: a line "{", members, a line "}". Memory: works inside the caller's buffer. */
#ifndef WEIR_CORE_RECORDING_PRETTY_H
#define WEIR_CORE_RECORDING_PRETTY_H

#include <stddef.h>

#include "core/text/text_buffer.h"

/* Makes one line of every such object in the block, together with the line before it where that is
 * the time and the stream that the object belongs to. Empty lines follow, so that later lines keep
 * their numbers. Returns the offset where something begins whose end is not in the block;
 * block->size when there is no such thing. */
size_t recording_pretty_join(text_buffer *block);

#endif
