/* The client: a curl multi handle, whose connection pool serves single and parallel requests
 * alike, and the handles that run on it. See client.h. */
#include "core/http/client.h"

#include <pthread.h>

#include "core/http/impl.h"

/* Enough to hide latency; small beside Lambda's 1,024 descriptors. */
enum { PARALLEL_MAX = 32, POOLED_CONNECTIONS = 64, POLL_MS = 1000 };

struct http_client {
  CURLM *multi;
  http_exchange slots[PARALLEL_MAX];
  bool busy[PARALLEL_MAX];
};

static void init_curl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

http_client *http_client_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, init_curl);
  http_client *client = calloc(1, sizeof *client);
  if (!client) return NULL;
  client->multi = curl_multi_init();
  if (!client->multi) {
    free(client);
    return NULL;
  }

  curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)POOLED_CONNECTIONS);
  curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);

  return client;
}

void http_client_free(http_client *client) {
  if (!client) return;
  for (int i = 0; i < PARALLEL_MAX; i++)
    if (client->slots[i].easy) curl_easy_cleanup(client->slots[i].easy);
  curl_multi_cleanup(client->multi);
  free(client);
}

/* Starts one request in a free slot. False when it failed before it began. */
static bool start(http_client *client, int slot, const http_request *request,
                  http_response *response) {
  http_exchange *exchange = &client->slots[slot];
  CURL *easy = exchange->easy ? exchange->easy : curl_easy_init();
  *exchange = (http_exchange){
      .easy = easy, .request = request, .response = response, .body_fd = -1, .output_fd = -1};
  *response = (http_response){.outcome = HTTP_DONE};
  if (!easy) {
    http_exchange_fail(exchange, HTTP_OUT_OF_MEMORY, "not enough memory");
    return false;
  }

  curl_easy_reset(easy); /* options only: connections live in the multi handle */
  if (!http_exchange_prepare(exchange)) {
    http_exchange_finish(exchange, CURLE_OK);
    return false;
  }

  http_exchange_receive(exchange);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)exchange);
  if (curl_multi_add_handle(client->multi, easy) != CURLM_OK) {
    http_exchange_finish(exchange, CURLE_OUT_OF_MEMORY);
    return false;
  }

  client->busy[slot] = true;

  return true;
}

/* Fills free slots from the queue; returns how many requests are running. */
static int start_more(http_client *client, const http_request *requests, http_response *responses,
                      size_t count, size_t *next) {
  int running = 0;
  for (int slot = 0; slot < PARALLEL_MAX; slot++) {
    while (!client->busy[slot] && *next < count) {
      size_t i = (*next)++;
      if (start(client, slot, &requests[i], &responses[i])) break;
    }

    running += client->busy[slot];
  }

  return running;
}

static void collect_finished(http_client *client) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(client->multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result; /* the message dies with remove_handle */
    void *private = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    http_exchange *exchange = private;
    curl_multi_remove_handle(client->multi, exchange->easy);
    http_exchange_finish(exchange, code);
    client->busy[exchange - client->slots] = false;
  }
}

/* curl itself failed (out of memory, no descriptors): every running request ends as failed. */
static void abandon_running(http_client *client) {
  for (int slot = 0; slot < PARALLEL_MAX; slot++) {
    if (!client->busy[slot]) continue;
    curl_multi_remove_handle(client->multi, client->slots[slot].easy);
    http_exchange_finish(&client->slots[slot], CURLE_OUT_OF_MEMORY);
    client->busy[slot] = false;
  }
}

void http_client_perform(http_client *client, const http_request *requests,
                         http_response *responses, size_t count) {
  size_t next = 0;
  while (start_more(client, requests, responses, count, &next) > 0) {
    int running;
    if (curl_multi_perform(client->multi, &running) != CURLM_OK) {
      abandon_running(client);
      continue;
    }

    collect_finished(client);
    if (running > 0 && curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
      abandon_running(client);
  }
}

http_request http_request_defaults(void) {
  return (http_request){
      .method = {"GET", 3},
      .body_length = -1,
      .timeout_ms = 60000,
      .connect_timeout_ms = 3100,
      .max_response_bytes = -1,
  };
}

void http_response_free(http_response *response) {
  text_buffer_free(&response->headers);
  text_buffer_free(&response->body);
}

const char *http_outcome_code(http_outcome outcome) {
  static const char *const codes[] = {
      [HTTP_DONE] = "Done",
      [HTTP_INVALID_REQUEST] = "InvalidRequest",
      [HTTP_INVALID_HEADER] = "InvalidHeader",
      [HTTP_TIMEOUT] = "Timeout",
      [HTTP_DEADLINE_EXCEEDED] = "DeadlineExceeded",
      [HTTP_CONNECT_FAILED] = "ConnectFailed",
      [HTTP_TLS_FAILED] = "TlsFailed",
      [HTTP_CONNECTION_LOST] = "ConnectionLost",
      [HTTP_RESPONSE_TOO_LARGE] = "ResponseTooLarge",
      [HTTP_MALFORMED_RESPONSE] = "MalformedResponse",
      [HTTP_FILE_FAILED] = "FileFailed",
      [HTTP_NOT_LOOPBACK] = "NotLoopback",
      [HTTP_OUT_OF_MEMORY] = "OutOfMemory",
  };
  return codes[outcome];
}
