/* A Runtime API over plain sockets, for programs that drive a runtime fast: it costs as little as
 * it can, and checks nothing but that requests are whole. Memory: the peer owns its connections;
 * runtime_peer_end frees them. One thread. */
#ifndef WEIR_RUNTIME_PEER_H
#define WEIR_RUNTIME_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RUNTIME_PEER_ROOM = 64 * 1024, RUNTIME_PEER_CONNECTIONS = 16 };

typedef struct {
  int socket;
  size_t size;
  bool polls;                   /* the caller's mark: it waits for an event */
  char text[RUNTIME_PEER_ROOM]; /* what came and is not consumed yet */
} runtime_peer_connection;

typedef struct {
  int listener, port;
  pid_t child; /* the runtime; whoever forks it sets this */
  runtime_peer_connection *open[RUNTIME_PEER_CONNECTIONS];
} runtime_peer;

/* Listens on a free port of the loopback address. */
bool runtime_peer_listen(runtime_peer *api);

/* Waits for a whole request, which stays in its connection's text; its size in *size. NULL when
 * none comes, or one that has no room. */
runtime_peer_connection *runtime_peer_next(runtime_peer *api, size_t *size);

void runtime_peer_consume(runtime_peer_connection *from, size_t size);

/* The answer to a GET …/next, as invocation `number`; false when it cannot be sent. */
bool runtime_peer_send_event(runtime_peer_connection *to, unsigned number, const char *event);

/* The answer to a POST. */
bool runtime_peer_accept(runtime_peer_connection *from);

/* VmRSS; 0 when there is no such process. */
long runtime_peer_resident_kb(pid_t pid);

/* Closes the connections and kills the child, if there is one. */
void runtime_peer_end(runtime_peer *api);

#endif
