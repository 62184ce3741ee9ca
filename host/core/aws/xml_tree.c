/* See xml_tree.h. */
#include "core/aws/xml_tree.h"

#include <expat.h>
#include <stdio.h>

enum { PROBLEM_SIZE = 160 };

typedef struct {
  XML_Parser parser;
  xml_tree *tree;
  uint32_t depth;               /* open elements */
  uint32_t open[XML_DEPTH_MAX]; /* their indexes */
  size_t text_from;             /* where the character data since the last tag begins */
  const char *refusal;          /* which of our own limits was passed, or NULL */
} xml_reading;

static void refuse(xml_reading *reading, const char *why) {
  if (!reading->refusal) reading->refusal = why;
  XML_StopParser(reading->parser, XML_FALSE);
}

static bool reserve_element(xml_tree *tree) {
  if (tree->count < tree->capacity) return true;
  size_t capacity = tree->capacity ? tree->capacity * 2 : 64;
  xml_element *elements = realloc(tree->elements, capacity * sizeof *elements);
  if (!elements) return false;
  tree->elements = elements;
  tree->capacity = capacity;

  return true;
}

static void on_start(void *context, const char *name, const char **attributes) {
  (void)attributes;
  xml_reading *reading = context;
  xml_tree *tree = reading->tree;
  if (reading->refusal) return;
  if (reading->depth == XML_DEPTH_MAX) {
    refuse(reading, "elements are nested too deeply");
    return;
  }

  if (tree->count == XML_ELEMENTS_MAX) {
    refuse(reading, "too many elements");
    return;
  }

  if (!reserve_element(tree)) {
    refuse(reading, "not enough memory");
    return;
  }

  const char *colon = strchr(name, ':');
  tree->strings.size = reading->text_from; /* white space before a child means nothing */
  tree->elements[tree->count] =
      (xml_element){.name = (uint32_t)tree->strings.size, .depth = reading->depth};
  text_buffer_text(&tree->strings, colon ? colon + 1 : name);
  text_buffer_byte(&tree->strings, '\0');
  reading->text_from = tree->strings.size;
  reading->open[reading->depth++] = (uint32_t)tree->count++;
}

static void on_end(void *context, const char *name) {
  (void)name;
  xml_reading *reading = context;
  xml_tree *tree = reading->tree;
  if (reading->refusal) return;
  uint32_t index = reading->open[--reading->depth];
  if (index + 1 == tree->count) { /* the youngest element: it has no children */
    tree->elements[index].text = (uint32_t)reading->text_from;
    tree->elements[index].text_size = (uint32_t)(tree->strings.size - reading->text_from);
    reading->text_from = tree->strings.size;
  } else {
    tree->strings.size = reading->text_from;
  }
}

static void on_text(void *context, const char *text, int size) {
  xml_reading *reading = context;
  if (!reading->refusal) text_buffer_append(&reading->tree->strings, text, (size_t)size);
}

static void on_doctype(void *context, const char *name, const char *system_id,
                       const char *public_id, int has_subset) {
  (void)name, (void)system_id, (void)public_id, (void)has_subset;
  refuse(context, "a document type is not allowed");
}

static bool run(xml_reading *reading, const char *text, size_t size, char *problem) {
  XML_Parser parser = reading->parser;
  XML_SetUserData(parser, reading);
  XML_SetElementHandler(parser, on_start, on_end);
  XML_SetCharacterDataHandler(parser, on_text);
  XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  bool ok = XML_Parse(parser, text, (int)size, XML_TRUE) == XML_STATUS_OK;
  if (ok && !reading->tree->strings.failed) return true;
  const char *why = reading->refusal ? reading->refusal
                    : ok             ? "not enough memory"
                                     : XML_ErrorString(XML_GetErrorCode(parser));
  snprintf(problem, PROBLEM_SIZE, "line %lu, column %lu: %s",
           (unsigned long)XML_GetCurrentLineNumber(parser),
           (unsigned long)XML_GetCurrentColumnNumber(parser) + 1, why);
  return false;
}

static size_t count_white_space(const char *text, size_t size) {
  size_t count = 0;
  while (count < size && text[count] != 0 && strchr(" \t\r\n", text[count])) count++;
  return count;
}

bool xml_tree_parse(xml_tree *tree, const char *text, size_t size, char *problem) {
  *tree = (xml_tree){0};
  size_t blank = count_white_space(text, size);
  text += blank;
  size -= blank;
  if (size > XML_SIZE_MAX) {
    snprintf(problem, PROBLEM_SIZE, "the text is larger than %d bytes", XML_SIZE_MAX);
    return false;
  }

  /* The whole text at once: feeding a long token in pieces would be quadratic in expat 2.5. */
  xml_reading reading = {.parser = XML_ParserCreate(NULL), .tree = tree};
  bool ok = reading.parser != NULL;
  if (ok)
    ok = run(&reading, text, size, problem);
  else
    snprintf(problem, PROBLEM_SIZE, "not enough memory");
  if (reading.parser) XML_ParserFree(reading.parser);
  if (!ok) xml_tree_free(tree);

  return ok;
}

void xml_tree_free(xml_tree *tree) {
  free(tree->elements);
  text_buffer_free(&tree->strings);
  *tree = (xml_tree){0};
}
