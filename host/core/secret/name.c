/* See name.h. A name is read once, through a window of its last letters and digits. */
#include "core/secret/name.h"

#include <string.h>

enum { WINDOW = 64, LONGEST = 16 };

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

/* The letter or digit in lower case; 0 for anything else. No locale. */
static char plain(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
}

/* The last letters of the parts above. Every key of every event is read through here, and most of
 * its letters are none of them. */
static bool ends_a_part(char c) {
  switch (c) {
  case 'n':
  case 't':
  case 'd':
  case 'l':
  case 'y':
  case 'e': return true;
  default: return false;
  }
}

static bool ends_with_secret(const char *window, size_t size) {
  if (!ends_a_part(window[size - 1])) return false;
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
  for (size_t i = 0; i < size; i++) {
    char c = plain(name[i]);
    if (!c) continue;
    if (held == WINDOW) { /* only its end matters from here on: it is too long to be harmless */
      memmove(window, window + WINDOW - LONGEST, LONGEST);
      held = LONGEST;
      whole = false;
    }

    window[held++] = c;
    found = found || ends_with_secret(window, held);
  }

  return found && !(whole && is_harmless(window, held));
}
