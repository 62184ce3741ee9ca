/* The wildcards of one field, and in how many places of them a value can put its reader.
 *
 * An operator is {"wildcard": …}, or an anything-but of wildcards, which count as one: what they
 * have in common before their first star, and their end, is one place.
 *
 * Memory: a machine begins zeroed, and belongs to who made it until pattern_machine_free. A
 * shortage makes it count as too complex. */
#ifndef WEIR_CORE_PATTERN_MACHINE_H
#define WEIR_CORE_PATTERN_MACHINE_H

#include "core/pattern/impl.h"

enum { PATTERN_OTHER_BYTE = 256 }; /* any byte that no wildcard names */

typedef struct {
  pattern_vector places, edges;
  pattern_vector starts;             /* for each operator, where it begins */
  uint32_t start, end;               /* of the operator begun last */
  bool used[PATTERN_OTHER_BYTE + 1]; /* bytes worth trying */
  bool failed;
} pattern_machine;

/* Begins an operator; then its wildcards are added. */
void pattern_machine_begin(pattern_machine *self);
void pattern_machine_add(pattern_machine *self, const pattern_test *test);

/* Is no value ever in more than PATTERN_MAX_COMPLEXITY places? */
bool pattern_machine_is_low(pattern_machine *machine);

void pattern_machine_free(pattern_machine *self);

#endif
