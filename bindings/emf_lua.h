/* What the files of the weir.emf binding share. */
#ifndef WEIR_EMF_LUA_H
#define WEIR_EMF_LUA_H

#include <lua.h>

#include "core/aws/emf_collector.h"

/* Sets weir.emf.collector in the module on top of the stack. */
void emf_collector_add_to(lua_State *L);

/* The table at index as a set of dimensions; NULL, or what is wrong with it. Leaves values on the
 * stack. */
const char *emf_dimensions_read(lua_State *L, int index, text_buffer *set);

#define EMF_SERIES_SIGNATURE "collector:series{{name=text, unit=text, dimensions={name=text}}, …}"

/* Pushes the series of the metrics in the list at index 2, for the collector at index 1. */
void emf_series_push(lua_State *L, emf_collector *emf);
void emf_series_register(lua_State *L);

#endif
