/* The way in a text that is indexed. See index.h. */
#include "core/json/index.h"

static unsigned count_bits(uint64_t bits) {
  return (unsigned)__builtin_popcountll(bits);
}

/* Those brackets that close what the bracket before them opened: an addition that starts behind
 * each opening one carries on to the next bracket. */
static uint64_t find_leaf_closes(uint64_t opens, uint64_t closes) {
  return ((opens << 1) + ~(opens | closes)) & closes;
}

/* Where the container is closed whose bracket stands at `open`. A word is passed as a whole where
 * fewer brackets than containers are open could close one of these. */
static size_t find_close(const json_index *index, size_t open) {
  size_t word = open / 64, depth = 0;
  uint64_t from = ~(uint64_t)0 << open % 64;
  for (;; word++, from = ~(uint64_t)0) {
    uint64_t opens = index->opens[word] & from, closes = index->closes[word] & from;
    if (depth > count_bits(closes & ~find_leaf_closes(opens, closes))) {
      depth = depth + count_bits(opens) - count_bits(closes);
      continue;
    }

    for (uint64_t brackets = opens | closes; brackets; brackets &= brackets - 1) {
      if (opens & brackets & -brackets)
        depth++;
      else if (--depth == 0)
        return word * 64 + (size_t)__builtin_ctzll(brackets);
    }
  }
}

void json_index_pass(const json_index *index, json_scan *scan) {
  scan->at = scan->begin + find_close(index, (size_t)(scan->at - scan->begin)) + 1;
}

/* What can be told of the name before a colon without unescaping it. */
typedef enum { NAME_OTHER, NAME_WANTED, NAME_ESCAPED } name_fate;

/* *quote is set to where a name that may be wanted begins. */
static inline name_fate look_at_name(const char *colon, json_names names, bool plain,
                                     const char **quote) {
  const char *close = colon - 1;
  while (*close != '"') close--;
  bool wanted = names.ends & json_names_end(close[-2], close[-1]);
  if (!wanted && plain) return NAME_OTHER;
  const char *at = close - 1;
  for (; *at != '"'; at--)
    if (*at == '\\') return NAME_ESCAPED;
  if (at[-1] == '\\') return NAME_ESCAPED;
  size_t size = (size_t)(close - at) - 1;
  if (!wanted || !(names.sizes >> (size < 63 ? size : 63) & 1)) return NAME_OTHER;
  *quote = at;

  return NAME_WANTED;
}

bool json_index_seek(const json_index *index, json_scan *scan, json_names names) {
  const char *text = scan->begin, *quote;
  size_t at = (size_t)(scan->at - text), word = at / 64;
  for (uint64_t from = ~(uint64_t)0 << at % 64;; word++, from = ~(uint64_t)0) {
    uint64_t colons = index->colons[word], opens = index->opens[word];
    uint64_t marks = (colons | opens | index->closes[word]) & from;
    for (; marks; marks &= marks - 1) {
      uint64_t mark = marks & -marks;
      at = word * 64 + (size_t)__builtin_ctzll(marks);
      if (colons & mark) {
        name_fate fate = look_at_name(text + at, names, index->plain, &quote);
        if (fate == NAME_OTHER) continue;
        if (fate == NAME_ESCAPED) return false;
        scan->at = quote;
        scan->entered = true; /* the comma is passed */

        return true;
      }

      if (!(opens & mark)) {
        scan->at = text + at;
        return true;
      }

      at = find_close(index, at);
      word = at / 64;
      colons = index->colons[word];
      opens = index->opens[word];
      marks = (colons | opens | index->closes[word]) & (~(uint64_t)0 << at % 64);
    }
  }
}
