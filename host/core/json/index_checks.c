/* What json_index_text reads byte by byte: escapes, what is not ASCII, words, exponents.
 * See index_lanes.h. */
#include "core/json/impl.h"
#include "core/json/token.h"
#include "core/text/utf8.h"

bool json_index_check_strings(index_reader *reader, size_t word, const uint64_t *bytes) {
  const char *text = reader->text + word * 64, *checked = text;
  json_scan scan = {.begin = text, .end = reader->end};
  for (size_t i = 0; i < INDEX_BATCH; i++) {
    for (uint64_t bits = bytes[i]; bits; bits &= bits - 1) {
      const char *at = text + i * 64 + __builtin_ctzll(bits);
      if (at < checked) continue;
      if (*at == '\\') {
        checked = json_read_escape(&scan, at);
        if (!checked) return false;
      } else {
        size_t length = (unsigned char)*at < 0x80 ? 0 : utf8_length(at, reader->end);
        if (length == 0) return false;
        checked = at + length;
      }
    }
  }

  return true;
}

static bool ends_value(const char *at, const char *end) {
  return at == end || strchr(" \t\r\n,:]}", *at);
}

/* The rest of a number from its exponent on is taken out of the window: what follows is checked. */
static void take_out(index_window *window, size_t from, size_t to) {
  for (; from < to && from < INDEX_WINDOW * 64; from++) {
    uint64_t others = ~((uint64_t)1 << from % 64);
    window->masks[INDEX_DIGIT][from / 64] &= others;
    window->masks[INDEX_MINUS][from / 64] &= others;
    window->masks[INDEX_DOT][from / 64] &= others;
  }
}

bool json_index_check_words(index_reader *reader, size_t word, const uint64_t *bytes) {
  const char *text = reader->text + word * 64, *checked = text;
  json_scan scan = {.begin = text, .end = reader->end};
  for (size_t i = 0; i < INDEX_BATCH; i++) {
    for (uint64_t bits = bytes[i]; bits; bits &= bits - 1) {
      const char *at = text + i * 64 + __builtin_ctzll(bits), *first = at;
      if (at < checked) continue;
      json_type type;
      while (json_is_digit(first[-1]) || first[-1] == '-' || first[-1] == '.') first--;
      checked = first < at ? json_read_any_number(&scan, first) : json_read_word(&scan, at, &type);
      if (!checked || checked <= at || !ends_value(checked, reader->end)) return false;
      size_t base = reader->first * 64;
      size_t offset = (size_t)(at - reader->text) - base;
      if (first < at) take_out(&reader->window, offset, offset + (size_t)(checked - at));
    }
  }

  return true;
}

/* A backslash escapes the byte behind it, unless it is escaped itself: in a row of backslashes
 * every other one is. The subtraction carries through each row. */
void json_index_find_escapes(const uint64_t *backslashes, uint64_t *escaped, uint64_t *escapes) {
  const uint64_t odd = 0xaaaaaaaaaaaaaaaau;
  uint64_t carried = 0;
  for (size_t i = 0; i < INDEX_BATCH; i++) {
    uint64_t all = backslashes[i], first = all & ~carried;
    uint64_t ends = ((first << 1 | odd) - first) ^ odd;
    escapes[i] = ends & all;
    escaped[i] = ends ^ (all | carried);
    carried = escapes[i] >> 63;
  }
}
