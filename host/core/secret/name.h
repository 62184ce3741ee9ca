/* Which names say that their value is a secret: the one list, for what is decoded, shown and
 * logged. Memory: none. */
#ifndef WEIR_CORE_SECRET_NAME_H
#define WEIR_CORE_SECRET_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Case and everything but letters and digits do not matter: taskToken, task_token and
 * X-Amz-Security-Token are all secrets. */
bool secret_name(const char *name, size_t size);

#endif
