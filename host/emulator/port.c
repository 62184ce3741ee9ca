/* A port of the emulator: its listening socket, libmicrohttpd's daemon, and its connections. See
 * impl.h.
 *
 * The daemon runs in our loop, so no connection makes another wait. But there is room for so many
 * only: one that takes too long with a request is closed, and where many are open, the one that has
 * kept us waiting for longest makes room for the next. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/impl.h"

enum {
  CONNECTION_MEMORY = 256 * 1024, /* a request's head, and the trailers of a streamed response */
  CONNECTIONS_CROWDED = 400, /* from here on a new connection ends the one that owes us longest */
  CONNECTIONS_MOST = 500,    /* a full queue, and what runs */
  BACKLOG = 256,
  ROUNDS = 100000, /* more than any body takes that fits a socket's buffer */
};

/* One connection. libmicrohttpd's "socket context". */
struct emulator_connection {
  TAILQ_ENTRY(emulator_connection) link;
  int socket;
  int64_t since_us;          /* when we began to wait for what it owes us */
  emulator_request *request; /* NULL: its head has not come yet */
  bool ended;                /* its socket is shut down */
};

static int bind_to(const struct sockaddr *address, socklen_t size) {
  int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, address, size) == 0 && listen(listener, BACKLOG) == 0) return listener;
  int problem = errno;
  close(listener);
  errno = problem;

  return -1;
}

static int listen_on(bool six, int port) {
  struct sockaddr_in four_address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 six_address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  four_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  six_address.sin6_addr = in6addr_loopback;

  return six ? bind_to((struct sockaddr *)&six_address, sizeof six_address)
             : bind_to((struct sockaddr *)&four_address, sizeof four_address);
}

static int number_of(int listener) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                             : ((struct sockaddr_in *)&address)->sin_port);
}

/* Connections ------------------------------------------------------------------------------- */

/* It owes us the rest of a request. A request that is complete waits for us, and a response that is
 * streamed may pause as its invocation likes. */
static bool owes_us(const emulator_connection *connection) {
  const emulator_request *request = connection->request;
  return !connection->ended && (!request || (!request->complete && !request->on_truncated));
}

static int64_t limit_of(const emulator_port *port, const emulator_connection *connection) {
  int64_t limit_us = connection->request ? port->body_limit_us : port->head_limit_us;
  return limit_us == 0 || !owes_us(connection) ? INT64_MAX : connection->since_us + limit_us;
}

/* The daemon notices, and closes the connection. */
static void end(emulator_connection *connection) {
  connection->ended = true;
  shutdown(connection->socket, SHUT_RDWR);
}

/* The connection that has kept us waiting for longest, or NULL. with_body: some of a body has come.
 */
static emulator_connection *find_longest(emulator_port *port, bool with_body) {
  emulator_connection *connection, *longest = NULL;
  TAILQ_FOREACH (connection, &port->connections, link) {
    if (!owes_us(connection)) continue;
    if (with_body && (!connection->request || connection->request->kept == 0)) continue;
    if (!longest || connection->since_us < longest->since_us) longest = connection;
  }

  return longest;
}

static void make_room(emulator_port *port) {
  emulator_connection *longest = find_longest(port, false);
  if (longest) end(longest);
}

bool emulator_port_shed(emulator_port *port) {
  emulator_connection *longest = find_longest(port, true);
  if (!longest) return false;
  emulator_http_drop(longest->request);
  longest->request->crowded_out = true; /* should its rest come after all */
  end(longest);

  return true;
}

static void open_connection(emulator_port *port, struct MHD_Connection *opened, void **context) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(opened, MHD_CONNECTION_INFO_CONNECTION_FD);
  emulator_connection *connection = info ? calloc(1, sizeof *connection) : NULL;
  *context = connection;
  if (!connection) return; /* its first request ends it */
  if (port->count >= CONNECTIONS_CROWDED) make_room(port);
  connection->socket = info->connect_fd;
  connection->since_us = emulator_clock_us();
  TAILQ_INSERT_TAIL(&port->connections, connection, link);
  port->count++;
}

static void on_connection(void *context, struct MHD_Connection *changed, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  emulator_port *port = context;
  emulator_connection *connection = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    open_connection(port, changed, socket_context);
  } else if (connection) {
    TAILQ_REMOVE(&port->connections, connection, link);
    port->count--;
    free(connection);
    *socket_context = NULL;
  }
}

static emulator_connection *connection_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

emulator_request *emulator_port_request(emulator_host *emulator, struct MHD_Connection *opened,
                                        size_t body_max) {
  emulator_connection *connection = connection_of(opened);
  emulator_request *request = connection ? emulator_http_request(emulator, opened, body_max) : NULL;
  if (!request) return NULL;
  connection->request = request;
  connection->since_us = emulator_clock_us();

  return request;
}

static void on_completed(void *context, struct MHD_Connection *completed, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)context;
  (void)code;
  emulator_connection *connection = connection_of(completed);
  if (connection) {
    connection->request = NULL;
    connection->since_us = emulator_clock_us();
  }

  if (*state) emulator_http_end(*state);
  *state = NULL;
}

/* Ends the connections that took too long; → when the next one will have (INT64_MAX: none). */
static int64_t check(emulator_port *port, int64_t now_us) {
  emulator_connection *connection;
  int64_t next_us = INT64_MAX;
  TAILQ_FOREACH (connection, &port->connections, link) {
    int64_t limit_us = limit_of(port, connection);
    if (limit_us <= now_us)
      end(connection);
    else if (limit_us < next_us)
      next_us = limit_us;
  }

  return next_us;
}

/* The port ---------------------------------------------------------------------------------- */

static struct MHD_Daemon *serve(emulator_port *port, int listener,
                                MHD_AccessHandlerCallback handler, void *context) {
  unsigned idle_s = (unsigned)(port->body_limit_us / 1000000);
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler, context,
      MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, port,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, port, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
      MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (daemon) return daemon;
  close(listener);
  errno = ENOMEM;

  return NULL;
}

emulator_port *emulator_port_open(const emulator_listen *listen, MHD_AccessHandlerCallback handler,
                                  void *context) {
  int listener = listen_on(listen->six, listen->number);
  if (listener < 0) return NULL;
  emulator_port *port = calloc(1, sizeof *port);
  if (!port) {
    close(listener);
    errno = ENOMEM;
    return NULL;
  }

  TAILQ_INIT(&port->connections);
  port->number = number_of(listener);
  port->head_limit_us = listen->head_limit_us;
  port->body_limit_us = listen->body_limit_us;
  port->daemon = serve(port, listener, handler, context);
  if (port->daemon) return port;
  free(port);

  return NULL;
}

void emulator_port_close(emulator_port *port) {
  if (!port) return;
  MHD_stop_daemon(port->daemon);
  free(port);
}

int emulator_port_descriptor(const emulator_port *port) {
  return MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void emulator_port_run(emulator_port *port) {
  MHD_run(port->daemon);
}

int64_t emulator_port_wait_us(emulator_port *port, int64_t now_us) {
  MHD_UNSIGNED_LONG_LONG wait_ms;
  int64_t next_us = check(port, now_us);
  int64_t wait_us = next_us == INT64_MAX ? INT64_MAX : next_us - now_us;
  if (MHD_get_timeout(port->daemon, &wait_ms) != MHD_YES || wait_ms >= 3600000) return wait_us;

  return (int64_t)wait_ms * 1000 < wait_us ? (int64_t)wait_ms * 1000 : wait_us;
}

void emulator_port_settle(emulator_port *port) {
  struct pollfd ready = {.fd = emulator_port_descriptor(port), .events = POLLIN};
  for (int i = 0; i < ROUNDS; i++) {
    MHD_UNSIGNED_LONG_LONG wait;
    bool pending = MHD_get_timeout(port->daemon, &wait) == MHD_YES && wait == 0;
    if (!pending && poll(&ready, 1, 0) <= 0) return;
    MHD_run(port->daemon);
  }
}
