/* Any bytes as an XML reply: no crash, and a tree that keeps its promises. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/aws/xml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise) {
  if (!promise) abort();
}

static void parse(const char *text, size_t size) {
  xml_tree tree;
  char problem[160];
  if (!xml_tree_parse(&tree, text, size, problem)) {
    check(tree.elements == NULL && strlen(problem) > 0);
    return;
  }
  check(tree.count > 0 && tree.elements[0].depth == 0);
  for (size_t i = 0; i < tree.count; i++) {
    const xml_element *element = &tree.elements[i];
    check(element->depth < XML_DEPTH_MAX);
    check(i == 0 || (element->depth > 0 && element->depth <= tree.elements[i - 1].depth + 1));
    check(element->name + strlen(tree.strings.data + element->name) < tree.strings.size);
    check((size_t)element->text + element->text_size <= tree.strings.size);
  }
  xml_tree_free(&tree);
}

/* expat is not instrumented, so the fuzzer cannot learn its grammar: bytes also choose words. */
static void parse_words(const uint8_t *data, size_t size) {
  static const char *const words[] = {"<a>",          "</a>", "<b:c x='y'>", "</b:c>",
                                      "<d/>",         "&lt;", "&#x20AC;",    "<![CDATA[<]]>",
                                      "<!-- -->",     "text", " ",           "<?p i?>",
                                      "<!DOCTYPE a>", "&e;",  "\xff",        "<"};
  text_buffer text = {0};
  text_buffer_text(&text, "<r>");
  for (size_t i = 0; i < size; i++) text_buffer_text(&text, words[data[i] % 16]);
  text_buffer_text(&text, "</r>");
  parse(text.data, text.size);
  text_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  parse((const char *)data, size);
  parse_words(data, size);
  return 0;
}
