/* weir.xml: replies of the XML protocols, over host/core/xml_tree.c.
 *   decode(text) → element | nil, message, "InvalidXml"
 * An element is {name=, text=, child, child, …}: children in order, text "" when there are any.
 * Memory: the tree lives in a userdata until it is copied into tables, so that nothing leaks when
 * Lua runs out of memory. */
#include "binding.h"
#include "core/aws/xml_tree.h"
#include "registry.h"

static const char TREE[] = "weir.xml.tree";

static int collect_tree(lua_State *L) {
  xml_tree_free(luaL_checkudata(L, 1, TREE));
  return 0;
}

static xml_tree *push_tree(lua_State *L) {
  xml_tree *tree = lua_newuserdatauv(L, sizeof *tree, 0);
  *tree = (xml_tree){0};
  luaL_setmetatable(L, TREE);
  return tree;
}

static void push_element(lua_State *L, const xml_tree *tree, const xml_element *element) {
  const char *strings = tree->strings.data;
  lua_createtable(L, 0, 2);
  lua_pushstring(L, strings + element->name);
  lua_setfield(L, -2, "name");
  lua_pushlstring(L, strings + element->text, element->text_size);
  lua_setfield(L, -2, "text");
}

/* Keeps the open elements on the stack, one a level, and hangs each into the one below. */
static void push_elements(lua_State *L, const xml_tree *tree) {
  int base = lua_gettop(L);
  luaL_checkstack(L, XML_DEPTH_MAX + 8, NULL);
  for (size_t i = 0; i < tree->count; i++) {
    const xml_element *element = &tree->elements[i];
    lua_settop(L, base + (int)element->depth); /* closes what ended before this one */
    push_element(L, tree, element);
    if (element->depth == 0) continue;
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
  }
  lua_settop(L, base + 1);
}

static int xml_decode(lua_State *L) {
  char problem[160];
  size_t size;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "xml.decode(text)");
  const char *text = lua_tolstring(L, 1, &size);
  xml_tree *tree = push_tree(L);
  if (!xml_tree_parse(tree, text, size, problem))
    return binding_fail(L, "InvalidXml", "%s", problem);
  push_elements(L, tree);
  xml_tree_free(tree);
  return 1;
}

int luaopen_weir_xml(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", xml_decode}, {NULL, NULL}};
  luaL_newmetatable(L, TREE);
  lua_pushcfunction(L, collect_tree);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, functions);
  return 1;
}
