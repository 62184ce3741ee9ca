/* One example of a policy, as JSON texts: for whoever runs it.
 * Memory: the caller owns the texts (policy_example_free) and reuses them for the next example. */
#ifndef WEIR_POLICY_EXAMPLE_H
#define WEIR_POLICY_EXAMPLE_H

#include "policy/kind.h"

typedef struct {
  text_buffer facts;    /* given */
  text_buffer params;   /* an object, empty without any */
  text_buffer expect;   /* what the decision must have, an action at least or another field */
  text_buffer why;      /* what is wrong with the example */
  bool short_of_memory; /* then nothing is known about it */
} policy_example;

/* Reads example `number`, from 1, of the kind's policy. False, with the reason in `why`, for one
 * that cannot be asked. */
bool policy_example_read(policy_sandbox *sandbox, const policy_kind *kind, size_t number,
                         policy_example *example);

void policy_example_free(policy_example *example);

#endif
