/* What the files of weir.stats share. Memory: the Lua state's. */
#ifndef WEIR_STATS_LUA_H
#define WEIR_STATS_LUA_H

#include <math.h>

#include "binding.h"

#define STATS_NO_DEFAULT NAN               /* of an argument that must be given */
#define STATS_COUNT_MAX 9007199254740992.0 /* 2^53: whole numbers are exact up to here */
#define STATS_WELFORD "weir.stats.welford"
#define STATS_ALMOST 1e-12 /* how near a probability may come to 0 and to 1 */

/* A confidence at index, 0.95 where there is none. */
double stats_arguments_confidence(lua_State *L, int index, const char *signature);

/* A number of the options at index 1, which must be there unless `otherwise` is a number. */
double stats_arguments_option(lua_State *L, const char *name, double least, double most,
                              double otherwise, const char *signature);

/* Copies a list of numbers within a range into a userdata, which is pushed. */
double *stats_arguments_numbers(lua_State *L, int index, size_t *count, double least, double most,
                                const char *signature);

/* Pushes two numbers; returns 2. */
int stats_arguments_push_pair(lua_State *L, double low, double high);

/* Add the functions of the other files of the module to the table on top. */
void stats_samples_add(lua_State *L);
void stats_objects_add(lua_State *L);
void stats_welford_add(lua_State *L);
void stats_trial_add_to(lua_State *L);

#endif
