/* The body of json_index_text. The file that includes it has defined, for its instruction set,
 * `lanes`, a vector of eight words; what asks its lanes (lanes_top, lanes_full, lanes_any);
 * index_classify, which fills one word of every class, as if spaces stood behind the text; and
 * INDEX_TEXT, the function's name.
 *
 * A mask has one bit for each byte of the text. Eight words of it, 512 bytes, are worked on at a
 * time, as one number. A *run* is what lies between two structural characters: an addition that
 * starts on its first byte carries through it and comes out at its end. So each rule about what
 * may stand between neighbours takes a few operations for 512 bytes. Only brackets are paired one
 * by one, and words, exponents, escapes and what is not ASCII are read by token.c.
 *
 * Each batch begins on the last structural character of the one before: no token crosses its
 * borders.
 * Memory: none but the index's. */
#ifndef WEIR_CORE_JSON_INDEX_LANES_H
#define WEIR_CORE_JSON_INDEX_LANES_H

#include "core/json/impl.h"
#include "core/json/token.h"

#define INLINE static inline __attribute__((always_inline))
#define RARELY(condition) __builtin_expect((condition) != 0, 0)

static const lanes LANE_NUMBERS = {0, 1, 2, 3, 4, 5, 6, 7};

INLINE lanes only_first_lane(uint64_t word) {
  return (lanes){word, 0, 0, 0, 0, 0, 0, 0};
}

/* Each bit moved to the byte behind. */
INLINE lanes behind(lanes mask) {
  lanes lane_below = __builtin_shufflevector((lanes){0}, mask, 7, 8, 9, 10, 11, 12, 13, 14);
  return mask << 1 | lane_below >> 63;
}

/* Bit i of `bits` as 0 or 1 in lane i. */
INLINE lanes one_a_lane(unsigned bits) {
  return ((lanes){0} + (uint64_t)bits) >> LANE_NUMBERS & 1;
}

/* The sum of two numbers of 512 bits, and its carry. A lane that is full passes a carry on. */
INLINE lanes sum_with_carry(lanes left, lanes right, bool *carry) {
  lanes sum = left + right;
  unsigned over = lanes_top((left & right) | ((left | right) & ~sum)), full = lanes_full(sum);
  unsigned carries = ((over << 1) + full) ^ full;
  *carry = carries >> INDEX_BATCH & 1;

  return sum + one_a_lane(carries);
}

INLINE lanes sum_of(lanes left, lanes right) {
  bool carry;
  return sum_with_carry(left, right, &carry);
}

/* From each opening quote up to the byte before its closing quote. */
INLINE lanes inside_of(lanes quotes) {
  for (int shift = 1; shift < 64; shift *= 2) quotes ^= quotes << shift;
  unsigned odd = lanes_top(quotes);
  for (int shift = 1; shift < 8; shift *= 2) odd ^= odd << shift;

  return quotes ^ -one_a_lane(odd << 1);
}

/* The bits from `first`, which is in lane 0, up to and including `last`. */
INLINE lanes region_of(unsigned first, unsigned last) {
  lanes lane = (lanes){0} + (uint64_t)(last / 64);
  lanes in_lane = (lanes){0} + (((uint64_t)2 << last % 64) - 1);
  lanes until = (lanes)(LANE_NUMBERS < lane) | ((lanes)(LANE_NUMBERS == lane) & in_lane);

  return until & ~only_first_lane(((uint64_t)1 << first) - 1);
}

typedef struct {
  lanes quotes, inside;
  lanes rough; /* inside strings: escapes, control characters, what is not ASCII */
  lanes open, close, bracket, comma, colon, structural;
  lanes scalar; /* numbers, words, and what is neither */
  lanes digit, zero, minus, dot, brace;
} batch_marks;

typedef struct {
  size_t word;          /* of the text */
  unsigned first, last; /* bytes from there: structural characters */
  lanes region;         /* what lies behind the first, up to and with the last */
} batch_place;

INLINE lanes class_at(const index_reader *reader, index_class class, size_t word) {
  lanes words;
  memcpy(&words, &reader->window.masks[class][word - reader->first], sizeof words);
  return words;
}

INLINE batch_marks find_marks(index_reader *reader, size_t word, lanes known) {
#define CLASS(name) class_at(reader, INDEX_##name, word)
  lanes escapes = {0}, backslashes = CLASS(BACKSLASH) & known;
  batch_marks marks = {.quotes = CLASS(QUOTE) & known};
  if (RARELY(lanes_any(backslashes))) {
    lanes escaped;
    json_index_find_escapes((uint64_t *)&backslashes, (uint64_t *)&escaped, (uint64_t *)&escapes);
    marks.quotes &= ~escaped;
    reader->index->plain = false;
  }

  marks.inside = inside_of(marks.quotes);
  marks.rough = (CLASS(ROUGH) | escapes) & marks.inside;
  lanes outside = known & ~marks.inside;
  marks.open = CLASS(OPEN) & outside;
  marks.close = CLASS(CLOSE) & outside;
  marks.bracket = marks.open | marks.close;
  marks.comma = CLASS(COMMA) & outside;
  marks.colon = CLASS(COLON) & outside;
  marks.structural = marks.bracket | marks.comma | marks.colon;
  marks.scalar = outside & ~(marks.quotes | marks.structural | CLASS(SPACE));

  return marks;
}

/* The batch's last structural character; its first when there is no other. */
INLINE unsigned last_structural(lanes structural) {
  uint64_t words[INDEX_BATCH];
  memcpy(words, &structural, sizeof words);
  unsigned lane = 31 - (unsigned)__builtin_clz(lanes_any(structural));

  return lane * 64 + 63 - (unsigned)__builtin_clzll(words[lane]);
}

/* The bytes that no rule for whole batches covers. Afterwards scalars are known to be words, or
 * numbers whose exponents are no longer in the window. */
INLINE bool check_bytes(index_reader *reader, const batch_marks *marks, batch_place place) {
  size_t word = place.word;
  lanes rough = marks->rough & place.region;
  if (RARELY(lanes_any(rough)) && !json_index_check_strings(reader, word, (const uint64_t *)&rough))
    return false;
  lanes others = marks->scalar & place.region & ~(CLASS(DIGIT) | CLASS(MINUS) | CLASS(DOT));

  return !RARELY(lanes_any(others)) ||
         json_index_check_words(reader, word, (const uint64_t *)&others);
}

/* Numbers without exponents: where a byte is not what the one before it asks for. */
INLINE lanes wrong_numbers(const batch_marks *marks, lanes start) {
  lanes digit = marks->digit & marks->scalar, minus = marks->minus & marks->scalar;
  lanes dot = marks->dot & marks->scalar;
  lanes leading_zero = marks->zero & digit & ~behind(digit | dot);

  return (minus & ~start) | (dot & ~behind(digit)) | (behind(minus | dot) & ~digit) |
         (behind(leading_zero) & digit) | (sum_of(behind(dot), digit) & dot);
}

/* The grammar's rules about neighbours. *element: what says that the container is an array, an
 * element's end or its comma. */
INLINE lanes wrong_order(const batch_marks *m, lanes scalar_start, lanes *element) {
  lanes run = ~m->structural, string_start = m->quotes & m->inside;
  lanes scalars = sum_of(scalar_start, run), strings = sum_of(string_start, run);
  lanes value = scalars | strings; /* stands directly before */
  lanes after_comma = sum_of(behind(m->comma), run);
  lanes after_link = sum_of(behind(m->comma | m->colon), run);
  lanes after_open = sum_of(behind(m->open), run);
  lanes after_close = ~(after_link | after_open);
  lanes wrong = (scalars & strings) | (m->open & value) |
                (after_close & (value | m->colon | m->open)) | (after_link & ~m->open & ~value) |
                (m->colon & (~strings | (after_link & ~after_comma))) |
                (after_open & m->comma & ~value);
  *element = m->structural &
             ((after_comma & ~m->colon) | (after_open & ~(m->colon | (m->close & ~value))));

  /* A second value in a run finds the carry of the first. */
  return (wrong & m->structural) | (scalars & scalar_start) | (strings & string_start);
}

/* What each bracket asks of the container around it: *object is set where that must be an object.
 * What colons and elements say is carried on to the next bracket, into the next batch if need be.
 */
INLINE lanes wrong_containers(index_reader *reader, const batch_marks *m, batch_place place,
                              lanes element, lanes *object) {
  lanes bracket = m->bracket & place.region, inner = ~bracket;
  lanes members = (m->colon & place.region) | only_first_lane(reader->in_object << place.first);
  lanes elements = (element & place.region) | only_first_lane(reader->in_array << place.first);
  bool in_object, in_array;
  lanes member = sum_with_carry(members, inner, &in_object) & bracket;
  lanes array = sum_with_carry(elements & inner, inner, &in_array) & bracket;
  array |= elements & bracket;
  reader->in_object = in_object;
  reader->in_array = in_array;
  lanes brace = m->brace & bracket;
  *object = member | (m->close & brace);

  return (member & array) | (m->close & ((member & ~brace) | (array & brace)));
}

/* Takes out the pairs that have no bracket inside: they need no stack. The closing one asks for the
 * kind that its opening one is; and the next bracket stands in the same container as the opening
 * one, so both ask for the same. The last bracket stays. False where they ask for something else.
 */
INLINE bool drop_innermost(index_brackets *self) {
  if (self->count < 3) return true;
  uint64_t pairs = self->opens & ~(self->opens >> 1) & (((uint64_t)1 << (self->count - 2)) - 1);
  uint64_t inside = self->objects >> 1, around = self->objects >> 2;
  uint64_t wrong = ((inside ^ self->braces) | (around ^ self->objects)) & pairs;
  uint64_t kept = ~(pairs | pairs << 1);
  self->opens = _pext_u64(self->opens, kept);
  self->braces = _pext_u64(self->braces, kept);
  self->objects = _pext_u64(self->objects, kept);
  self->count -= 2 * (unsigned)__builtin_popcountll(pairs);

  return wrong == 0;
}

/* Pairs those that are queued. False where one stands in a container of the other kind, and where
 * the outermost container is closed but by the last. */
INLINE bool pair_brackets(index_brackets *self, bool to_end) {
  if (!drop_innermost(self) || !drop_innermost(self)) return false;
  uint64_t stack = self->stack, highest = 0, wrong = 0;
  uint64_t opens = self->opens, braces = self->braces, objects = self->objects;
  unsigned left = self->count;
  for (; stack != 1 && left > 0; left--) {
    uint64_t opened = stack << 1 | (braces & 1), closed = stack >> 1;
    wrong |= stack ^ objects;
    stack = opens & 1 ? opened : closed;
    highest |= stack;
    opens >>= 1;
    braces >>= 1;
    objects >>= 1;
  }
  *self = (index_brackets){.stack = stack};

  return !(wrong & 1) && highest >> 61 == 0 && left == 0 && (stack == 1) == to_end;
}

INLINE bool queue_brackets(index_reader *reader, batch_place place, lanes brackets, lanes opens,
                           lanes braces, lanes objects) {
  index_brackets *queue = &reader->brackets;
  for (unsigned i = 0; i <= place.last / 64; i++) {
    uint64_t all = brackets[i];
    unsigned count = (unsigned)__builtin_popcountll(all);
    if (queue->count + count > 64 && !pair_brackets(queue, false)) return false;
    queue->opens |= _pext_u64(opens[i], all) << queue->count % 64;
    queue->braces |= _pext_u64(braces[i], all) << queue->count % 64;
    queue->objects |= _pext_u64(objects[i], all) << queue->count % 64;
    queue->count += count;
  }

  return true;
}

/* The bits of the first word that are before the batch are those of the batch before. */
INLINE void write_mask(uint64_t *mask, batch_place place, lanes bits) {
  uint64_t before = mask[place.word] & (((uint64_t)1 << place.first) - 1);
  memcpy(mask + place.word, &bits, sizeof bits);
  mask[place.word] |= before;
}

INLINE bool index_batch(index_reader *reader, size_t words) {
  size_t word = reader->at / 64;
  batch_place place = {.word = word, .first = (unsigned)(reader->at % 64)};
  batch_marks marks = find_marks(reader, word, region_of(place.first, (unsigned)words * 64 - 1));
  place.last = last_structural(marks.structural);
  if (place.last == place.first) return false;
  place.region = region_of(place.first, place.last) ^ only_first_lane((uint64_t)1 << place.first);
  if (!check_bytes(reader, &marks, place)) return false;

  marks.digit = CLASS(DIGIT);
  marks.zero = CLASS(ZERO);
  marks.minus = CLASS(MINUS);
  marks.dot = CLASS(DOT);
  marks.brace = CLASS(BRACE);
  lanes start = marks.scalar & ~behind(marks.scalar), element, object;
  lanes wrong = wrong_numbers(&marks, start) | wrong_order(&marks, start, &element);
  wrong |= wrong_containers(reader, &marks, place, element, &object);
  if (lanes_any(wrong & place.region)) return false;

  write_mask(reader->index->colons, place, marks.colon);
  write_mask(reader->index->opens, place, marks.open);
  write_mask(reader->index->closes, place, marks.close);
  reader->at = word * 64 + place.last;

  return queue_brackets(reader, place, marks.bracket & place.region, marks.open, marks.brace,
                        object);
#undef CLASS
}

INLINE void fill_window(index_reader *reader, size_t first, size_t words) {
  const char *at = reader->text + first * 64;
  reader->first = first;
  for (size_t i = 0; i < words; i++, at += 64)
    index_classify(&reader->window, i, at, (size_t)(reader->end - at));
}

/* Goes through the window, up to `end` of the text's `total` words; a batch that it cuts short is
 * left to the next one. */
INLINE bool index_batches(index_reader *reader, size_t end, size_t total, bool *ended) {
  while (!*ended) {
    size_t words = end - reader->at / 64;
    if (words < INDEX_BATCH && end < total) return true;
    if (!index_batch(reader, words < INDEX_BATCH ? words : INDEX_BATCH)) return false;
    *ended = json_skip_space(reader->text + reader->at + 1, reader->end) == reader->end;
  }

  return reader->text[reader->at] == '}' || reader->text[reader->at] == ']';
}

bool INDEX_TEXT(json_index *index, const char *text, size_t size) {
  index_reader reader; /* the window is filled as far as it is needed */
  reader.index = index;
  reader.text = text;
  reader.end = text + size;
  const char *begin = json_skip_space(text, reader.end);
  if (begin == reader.end || (*begin != '{' && *begin != '[')) return false;
  reader.at = (size_t)(begin - text);
  reader.in_object = reader.in_array = 0;
  reader.brackets = (index_brackets){.stack = 2 | (*begin == '{')};
  index->plain = true;

  size_t total = (size + 63) / 64;
  bool ended = false;
  while (!ended) {
    size_t first = reader.at / 64, words = total - first;
    if (words > INDEX_WINDOW) words = INDEX_WINDOW;
    fill_window(&reader, first, words);
    if (!index_batches(&reader, first + words, total, &ended)) return false;
  }

  return pair_brackets(&reader.brackets, true);
}

#endif
