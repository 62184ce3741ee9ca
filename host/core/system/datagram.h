/* One datagram to a daemon on this machine, sent and forgotten.
 * Memory: none. */
#ifndef WEIR_CORE_SYSTEM_DATAGRAM_H
#define WEIR_CORE_SYSTEM_DATAGRAM_H

#include <stddef.h>

/* Sends to "host:port"; never waits. 0, or an errno value; EINVAL when the address is not one,
 * EHOSTUNREACH when the host is not found. */
int datagram_send(const char *address, const char *bytes, size_t size);

#endif
