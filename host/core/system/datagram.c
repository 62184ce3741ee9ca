/* See datagram.h. The socket is opened for each datagram: they are rare, and an environment that
 * was frozen for an hour keeps nothing stale. */
#include "core/system/datagram.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int datagram_send(const char *address, const char *bytes, size_t size) {
  char host[256];
  const char *colon = strrchr(address, ':');
  if (!colon || colon == address || (size_t)(colon - address) >= sizeof host) return EINVAL;
  snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
  if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return EHOSTUNREACH;
  int problem = 0;
  int descriptor = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || sendto(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, found->ai_addr,
                               found->ai_addrlen) < 0)
    problem = errno;
  if (descriptor >= 0) close(descriptor);
  freeaddrinfo(found);

  return problem;
}
