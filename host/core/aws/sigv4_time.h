/* Times as signatures and HTTP write them, and the correction of a wrong clock.
 * Memory: none. */
#ifndef WEIR_CORE_AWS_SIGV4_TIME_H
#define WEIR_CORE_AWS_SIGV4_TIME_H

#include <stdint.h>

#include "core/aws/sigv4_text.h"

enum { SIGV4_TIME = sizeof "20261122T030405Z" };

/* Seconds since 1970 as YYYYMMDDTHHMMSSZ; false outside the years 1970 to 9999. */
bool sigv4_time_format(int64_t seconds, char out[SIGV4_TIME]);

/* Whether the text is a real time in that form. */
bool sigv4_time_check(sigv4_text text);

/* Finds the clock offset to sign with from now on, from the Date header of a refused request. False
 * when the clock is not to blame: the code has another cause, the request took so long that its
 * date says little, or the date agrees with the offset in use. Times in epoch seconds. */
bool sigv4_time_skew(sigv4_text code, sigv4_text date, double sent, double received, double in_use,
                     int64_t *offset);

#endif
