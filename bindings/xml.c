/* weir.xml: replies of the XML protocols.
 *
 *   decode(text) → element | nil, message, "InvalidXml"
 *       An element is {name=, text=, child, child, …}: children in order; text is "" when there are
 *       any.
 *
 * Over host/core/aws/xml_tree.c.
 * Memory: the tree lives in a userdata until it is copied into tables, so that nothing leaks when
 * Lua runs out of memory. */
#include "core/aws/xml_tree.h"

#include "binding.h"
#include "registry.h"

static const char TREE[] = "weir.xml.tree";

static int lua_xml_gc(lua_State *L) {
  xml_tree_free(binding_argument_self(L, TREE, "a tree"));
  return 0;
}

static void push_element(lua_State *L, const xml_tree *tree, const xml_element *element) {
  const char *strings = tree->strings.data;
  lua_createtable(L, 0, 2);
  binding_set_text(L, "name", strings + element->name);
  binding_set_bytes(L, "text", strings + element->text, element->text_size);
}

/* Keeps the open elements on the stack, one a level, and hangs each into the one below. */
static void push_elements(lua_State *L, const xml_tree *tree) {
  int base = lua_gettop(L);
  luaL_checkstack(L, XML_DEPTH_MAX + 8, NULL);
  for (size_t i = 0; i < tree->count; i++) {
    const xml_element *element = &tree->elements[i];
    lua_settop(L, base + (int)element->depth); /* closes what ended before this one */
    push_element(L, tree, element);            // … parent element
    if (element->depth == 0) continue;
    lua_pushvalue(L, -1); // … parent element element
    lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
  }

  lua_settop(L, base + 1);
}

static const char DECODE_SIGNATURE[] = "weir.xml.decode(text)";

static int lua_xml_decode(lua_State *L) {
  char problem[160];
  size_t size;
  lua_settop(L, 1);
  const char *text = binding_argument_text(L, 1, &size, DECODE_SIGNATURE);

  xml_tree *tree = binding_owner_push(L, TREE, sizeof *tree, 0);
  if (!xml_tree_parse(tree, text, size, problem))
    return binding_fail(L, "InvalidXml", "%s", problem);

  push_elements(L, tree);
  xml_tree_free(tree);
  return 1;
}

int luaopen_weir_xml(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(xml, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(xml, decode), BINDING_END};
  binding_type_register(L, TREE, metamethods, NULL);
  luaL_newlib(L, functions);

  return 1;
}
