/* See name.h. A name is read once, through a window of its last letters and digits. */
#include "core/secret/name.h"

#include <string.h>

enum { WINDOW = 64, LONGEST = 16, SHORTEST_PART = 5 };

/* Parts of names. */
#define PART(text)                                                                                 \
  { text, sizeof text - 1 }
static const struct {
  const char *text;
  size_t size;
} secrets[] = {
    PART("token"),     PART("secret"),     PART("authorization"), PART("password"),
    PART("passwd"),    PART("credential"), PART("privatekey"),    PART("apikey"),
    PART("accesskey"), PART("cookie"),     PART("signature"),
};

/* Whole names that contain one of those and are not secret. */
static const char *const harmless[] = {
    "tokenizer",    "secretarn",       "maxtokens",      "tokencount",         "tokenstoragemode",
    "tokentable",   "tokenttlseconds", "tasktokentable", "tasktokentablename", "inputtokens",
    "outputtokens", "totaltokens",     "maxnewtokens",   "inputtokencount",    "outputtokencount",
};

/* Letters and digits: in lower case, and marked where a part above ends so. 0 for anything else. No
 * locale. Every key of every event is read through here. */
enum { ENDS_A_PART = 0x80 };

#define LETTER(lower, upper) [lower] = lower, [upper] = lower
#define LAST_LETTER(lower, upper) [lower] = lower | ENDS_A_PART, [upper] = lower | ENDS_A_PART
static const unsigned char letters[256] = {
    ['0'] = '0',      ['1'] = '1',           ['2'] = '2',           ['3'] = '3',
    ['4'] = '4',      ['5'] = '5',           ['6'] = '6',           ['7'] = '7',
    ['8'] = '8',      ['9'] = '9',           LETTER('a', 'A'),      LETTER('b', 'B'),
    LETTER('c', 'C'), LAST_LETTER('d', 'D'), LAST_LETTER('e', 'E'), LETTER('f', 'F'),
    LETTER('g', 'G'), LETTER('h', 'H'),      LETTER('i', 'I'),      LETTER('j', 'J'),
    LETTER('k', 'K'), LAST_LETTER('l', 'L'), LETTER('m', 'M'),      LAST_LETTER('n', 'N'),
    LETTER('o', 'O'), LETTER('p', 'P'),      LETTER('q', 'Q'),      LETTER('r', 'R'),
    LETTER('s', 'S'), LAST_LETTER('t', 'T'), LETTER('u', 'U'),      LETTER('v', 'V'),
    LETTER('w', 'W'), LETTER('x', 'X'),      LAST_LETTER('y', 'Y'), LETTER('z', 'Z'),
};

/* Whether a part may end in these two letters. */
static bool may_end_a_part(char before, char last) {
  switch (last) {
  case 'd': return before == 'r' || before == 'w';
  case 'e': return before == 'i' || before == 'r';
  case 'l': return before == 'a';
  case 'n': return before == 'e' || before == 'o';
  case 't':
  case 'y': return before == 'e';
  default: return false;
  }
}

static bool ends_with_secret(const char *window, size_t size) {
  if (size < SHORTEST_PART || !may_end_a_part(window[size - 2], window[size - 1])) return false;
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    size_t length = secrets[i].size;
    if (window[size - 1] == secrets[i].text[length - 1] && size >= length &&
        memcmp(window + size - length, secrets[i].text, length) == 0)
      return true;
  }

  return false;
}

static bool is_harmless(const char *window, size_t size) {
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (strlen(harmless[i]) == size && memcmp(window, harmless[i], size) == 0) return true;
  return false;
}

bool secret_name(const char *name, size_t size) {
  char window[WINDOW];
  size_t held = 0;
  bool found = false, whole = true;
  if (size < SHORTEST_PART) return false;
  for (size_t i = 0; i < size; i++) {
    unsigned char letter = letters[(unsigned char)name[i]];
    if (!letter) continue;
    if (held == WINDOW) { /* only its end matters from here on: it is too long to be harmless */
      memmove(window, window + WINDOW - LONGEST, LONGEST);
      held = LONGEST;
      whole = false;
    }

    window[held++] = (char)(letter & ~ENDS_A_PART);
    if (letter & ENDS_A_PART) found = found || ends_with_secret(window, held);
  }

  return found && !(whole && is_harmless(window, held));
}
