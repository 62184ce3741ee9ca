/* What the files of the emulator share: who holds whom.
 *
 *   emulator ── environments ── running: invocations it was given, in order
 *      │             └──────── pollers: requests that wait in /next
 *      └── queue: invocations that wait for an environment
 *
 * Memory: an invocation is in exactly one list, and freed by emulator_invocation_finish. A request
 * belongs to its connection and is freed when libmicrohttpd completes it; the pointers between a
 * request and its invocation are cleared by whichever goes first. */
#ifndef WEIR_EMULATOR_IMPL_H
#define WEIR_EMULATOR_IMPL_H

#include <microhttpd.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "core/text/text_buffer.h"
#include "emulator/emulator.h"
#include "emulator/tail_queue.h"

enum {
  EMULATOR_EVENT_MAX = 6 * 1024 * 1024,    /* a synchronous event */
  EMULATOR_ASYNC_EVENT_MAX = 1024 * 1024,  /* an event of type Event */
  EMULATOR_RESPONSE_MAX = 6291556,         /* a buffered response */
  EMULATOR_STREAM_MAX = 200 * 1024 * 1024, /* a streamed one */
  EMULATOR_QUEUE_MAX = 400,                /* invocations that wait */
  /* Bodies held for all requests together: from the first on, those that are not whole are given up
   * for others; beyond the second, no more is taken. */
  EMULATOR_UPLOADS_CROWDED = 192 * 1024 * 1024,
  EMULATOR_UPLOADS_MOST = 384 * 1024 * 1024,
  EMULATOR_TAIL = 4096,     /* of the log, in X-Amz-Log-Result */
  EMULATOR_INIT_MS = 10000, /* Lambda's limit on the init phase */
  EMULATOR_STOP_MS = 500,   /* from SIGTERM to SIGKILL */
};

#define EMULATOR_ACCOUNT "123456789012"

typedef struct emulator_environment emulator_environment;
typedef struct emulator_invocation emulator_invocation;
typedef struct emulator_request emulator_request;
typedef struct emulator_connection emulator_connection;
typedef struct emulator_port emulator_port;

/* One HTTP request, on either port. */
struct emulator_request {
  TAILQ_ENTRY(emulator_request) poller; /* in its environment's pollers */
  emulator_host *emulator;
  emulator_environment *environment; /* NULL on the invoke port */
  struct MHD_Connection *connection;
  emulator_invocation *invocation; /* on the invoke port: what it waits for, or NULL */
  char id[37];                     /* on the other: the invocation it answers, or empty */
  text_buffer body;                /* received */
  size_t body_max;                 /* what is beyond is counted, not kept */
  uint64_t received;
  size_t kept;      /* of the body, until the request has ended */
  bool forwards;    /* the body goes on as it comes, and is not kept */
  bool crowded_out; /* the body was dropped: all connections together sent too much */
  bool is_poller, complete, suspended;
  /* Called when the connection ends before the request is complete; NULL: nothing to do. */
  void (*on_truncated)(emulator_request *request);
  /* The answer, once it is known. */
  unsigned status;             /* 0: not yet */
  text_buffer answer, headers; /* headers: name NUL value NUL … */
  bool answer_grows;           /* an event stream that is still being written */
  bool answer_ended;
  size_t answer_sent;
};

typedef enum { INVOCATION_WAITS, INVOCATION_RUNS, INVOCATION_ANSWERED } emulator_invocation_state;

struct emulator_invocation {
  TAILQ_ENTRY(emulator_invocation) link;
  emulator_host *emulator;
  emulator_environment *environment; /* NULL while it is in the queue */
  emulator_request *request;         /* it waits for the answer; NULL: its caller is gone */
  emulator_invocation_state state;
  char id[37];
  char invocation_id[37];                /* unlike the request's id never used again */
  char *arn, *trace_id, *client_context; /* client_context: NULL when none was given */
  text_buffer event;
  bool wants_tail, wants_stream, stream_began, is_cold, started, timed_out;
  int64_t started_us, deadline_us; /* on the steady clock */
  int64_t deadline_epoch_ms;
  text_buffer answer;
  char error_type[128]; /* empty: no error */
  text_buffer tail;
};

typedef enum {
  ENVIRONMENT_STARTS,
  ENVIRONMENT_READY,
  ENVIRONMENT_STOPS
} emulator_environment_state;

struct emulator_environment {
  TAILQ_ENTRY(emulator_environment) link;
  emulator_host *emulator;
  unsigned number;
  emulator_environment_state state;
  emulator_port *api;
  pid_t pid;        /* 0: it does not run (any more) */
  int output;       /* its stdout and stderr; -1 when they have ended */
  text_buffer line; /* of the output, not yet whole */
  TAILQ_HEAD(, emulator_request) pollers;
  TAILQ_HEAD(, emulator_invocation) running;
  int64_t started_us, init_us;       /* init_us: how long the init phase took */
  int64_t init_deadline_us, kill_us; /* 0: none */
  bool is_retry; /* of an init phase that took too long: the function's own time counts */
  bool init_timed_out;
  text_buffer init_error; /* the body of /init/error */
  char init_error_type[128];
  char answered_id[37];  /* the invocation answered last */
  char timed_out_id[37]; /* the one that timed out last, though its handler goes on */
  long memory_kb;        /* the most that was seen */
};

struct emulator_host {
  emulator_options options;
  emulator_port *api, *api_six;          /* 127.0.0.1, and ::1 where there is one */
  MHD_AccessHandlerCallback runtime_api; /* what the port of an environment answers with */
  int signals;                           /* a signalfd */
  size_t uploads;                        /* bytes of bodies that are held for all requests */
  sigset_t old_mask;                     /* as the process was without emulators */
  struct sigaction old_pipe;
  struct rlimit old_files; /* what a runtime gets again */
  TAILQ_HEAD(, emulator_environment) environments;
  TAILQ_HEAD(, emulator_invocation) queue;
  unsigned queued, started; /* started: environments ever */
  const char *region;
  char log_group[160];
  bool stopping;
  bool woken;      /* a suspended connection goes on, which libmicrohttpd's timeout does not say */
  text_buffer out; /* stdout, not yet written */
  int out_errno;
};

/* port.c */
typedef struct {
  bool six;   /* listen on ::1 instead of 127.0.0.1 */
  int number; /* 0: a free one */
  /* How long a connection may owe us the head of a request, and the rest of one; 0: for ever. */
  int64_t head_limit_us, body_limit_us;
} emulator_listen;

struct emulator_port {
  struct MHD_Daemon *daemon;
  int number;
  int64_t head_limit_us, body_limit_us;
  TAILQ_HEAD(, emulator_connection) connections;
  unsigned count;
};

/* NULL with errno set when it cannot listen. */
emulator_port *emulator_port_open(const emulator_listen *listen, MHD_AccessHandlerCallback handler,
                                  void *context);
void emulator_port_close(emulator_port *port); /* NULL is fine */
int emulator_port_descriptor(const emulator_port *port);
void emulator_port_run(emulator_port *port);
void emulator_port_settle(emulator_port *port); /* serves all that has arrived by now */
/* Ends the connections that took too long; → how long the loop may sleep. */
int64_t emulator_port_wait_us(emulator_port *port, int64_t now_us);
/* Gives up the request that has been incomplete for longest; false: there is none. */
bool emulator_port_shed(emulator_port *port);
/* The request whose head has come; NULL: no memory. */
emulator_request *emulator_port_request(emulator_host *emulator, struct MHD_Connection *connection,
                                        size_t body_max);

/* origin.c: false for what a browser sends on behalf of a page from elsewhere. */
bool emulator_origin_is_local(const emulator_request *request);

/* http.c: what both ports do with libmicrohttpd. */
emulator_request *emulator_http_request(emulator_host *emulator, struct MHD_Connection *connection,
                                        size_t body_max);
void emulator_http_end(emulator_request *request); /* frees it */
void emulator_http_receive(emulator_request *request, const char *bytes, size_t size);
void emulator_http_drop(emulator_request *request); /* the body */
void emulator_http_header(emulator_request *request, const char *name, const char *value);
/* Sets the answer; the bytes are copied. A suspended connection goes on. */
void emulator_http_answer(emulator_request *request, unsigned status, const void *body,
                          size_t size);
void emulator_http_wake(emulator_request *request);
/* The end of every access handler: sends the answer, or waits for it. */
enum MHD_Result emulator_http_reply(emulator_request *request);
const char *emulator_http_value(const emulator_request *request, const char *name);
bool emulator_http_is_gone(const emulator_request *request); /* the peer hung up */

/* invoke_api.c, runtime_api.c: the two ports. */
enum MHD_Result emulator_invoke_api(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **request);
enum MHD_Result emulator_runtime_api(void *context, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *data, size_t *size, void **request);

/* invocation.c */
bool emulator_invocation_make_id(char id[37]); /* a random UUID; false: no random numbers */
emulator_invocation *emulator_invocation_new(emulator_host *emulator);
void emulator_invocation_deliver(emulator_invocation *invocation, emulator_request *poller);
/* A part of a streamed response, which goes on to a caller who asked for a stream. */
void emulator_invocation_stream(emulator_invocation *invocation, const char *bytes, size_t size);
/* The answer: a result when error_type is NULL. Bytes are copied. */
void emulator_invocation_answer(emulator_invocation *invocation, const char *error_type,
                                const void *bytes, size_t size);
/* The document of an error, as a caller sees it. */
void emulator_invocation_write_error(text_buffer *out, const char *error_type, const char *message,
                                     size_t size);
/* Answers with errorType and "RequestId: … Error: MESSAGE", and logs that. */
void emulator_invocation_fail(emulator_invocation *invocation, const char *error_type,
                              const char *format, ...) __attribute__((format(printf, 3, 4)));
void emulator_invocation_time_out(emulator_invocation *invocation);
/* Reports and frees it. It must have been answered. */
void emulator_invocation_finish(emulator_invocation *invocation);
void emulator_invocation_free(emulator_invocation *invocation);

/* environment.c */
/* Hands queued invocations to environments that have room, and starts more of them. */
void emulator_environment_dispatch(emulator_host *emulator);
/* Hands its waiting invocations to its pollers. */
void emulator_environment_offer(emulator_environment *environment);
/* The first request that waits in /next and is still there, or NULL. */
emulator_request *emulator_environment_poller(emulator_environment *environment);
void emulator_environment_read(emulator_environment *environment);
void emulator_environment_check(emulator_environment *environment, int64_t now_us);
int64_t emulator_environment_next_us(const emulator_environment *environment);
void emulator_environment_reap(emulator_environment *environment); /* frees it when it has ended */
void emulator_environment_stop(emulator_environment *environment, int64_t kill_us);
emulator_invocation *emulator_environment_find(emulator_environment *environment, const char *id,
                                               size_t size);
void emulator_environment_free(emulator_environment *environment);

/* process.c */
/* errno, or 0 with *pid and *output (to be read, not blocking). */
int emulator_process_start(emulator_host *emulator, char *const variables[], pid_t *pid,
                           int *output);
bool emulator_process_has_ended(pid_t pid, int *status, long *most_kb); /* kills what it left */
void emulator_process_signal(pid_t pid, int signal);
/* Raises *most_kb to what the process and its children have used at most. */
void emulator_process_sample(pid_t pid, long *most_kb);

/* variables.c: "NAME=VALUE" each and a NULL; one block, for free(). NULL: no memory. */
char **emulator_variables(const emulator_environment *environment);

/* clock.c: microseconds; only differences mean anything. */
int64_t emulator_clock_us(void);

/* log.c */
void emulator_log_output(emulator_environment *environment, const char *line, size_t size);
void emulator_log_init_start(emulator_environment *environment);
void emulator_log_init_failure(emulator_environment *environment, const char *status,
                               const char *error_type);
void emulator_log_start(emulator_invocation *invocation);
void emulator_log_message(emulator_invocation *invocation, const char *text);
void emulator_log_report(emulator_invocation *invocation); /* END and REPORT */
void emulator_log_ready(emulator_host *emulator);
void emulator_log_flush(emulator_host *emulator);

/* event_stream.c: one message of application/vnd.amazon.eventstream. */
void emulator_event_stream_write(text_buffer *out, const char *event_type, const char *content_type,
                                 const void *payload, size_t size);

#endif
