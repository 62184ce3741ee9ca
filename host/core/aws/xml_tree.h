/* An XML reply as a tree of elements, read with expat.
 *
 * What AWS sends needs little: elements, character data, no attributes that matter, no mixed
 * content. A document type is refused, and with it every entity a hostile text could define.
 * Namespace prefixes are dropped from names. White space before the XML is skipped: S3 sends it
 * while it works. Lines and columns of a problem count from the first other character. Limits:
 * depth, elements and size below.
 *
 * Memory: the tree owns everything; release with xml_tree_free. */
#ifndef WEIR_CORE_AWS_XML_TREE_H
#define WEIR_CORE_AWS_XML_TREE_H

#include "core/text/text_buffer.h"

enum { XML_DEPTH_MAX = 64, XML_ELEMENTS_MAX = 500000, XML_SIZE_MAX = 64 << 20 };

/* Elements stand in document order: the children of an element follow it at once. */
typedef struct {
  uint32_t name;      /* offset of a NUL-terminated name in `strings` */
  uint32_t text;      /* offset of the character data */
  uint32_t text_size; /* 0 for an element that has children */
  uint32_t depth;     /* the root's is 0 */
} xml_element;

typedef struct {
  xml_element *elements;
  size_t count, capacity;
  text_buffer strings;
} xml_tree;

/* False: `problem` (of at least 160 bytes) says what is wrong and where; the tree is empty. */
bool xml_tree_parse(xml_tree *tree, const char *text, size_t size, char *problem);

void xml_tree_free(xml_tree *tree);

#endif
