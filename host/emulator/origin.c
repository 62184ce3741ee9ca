/* Who may call: programs on this machine, and no web page. A page cannot read our answers, but its
 * request would run the function. It gives itself away: the browser sends the page's origin, says
 * that the request is cross-site, or (where a name of the page's own leads here: DNS rebinding)
 * sends a Host that is not a name of this machine. See impl.h. Memory: none. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "emulator/impl.h"

typedef struct {
  const char *host; /* of the request; NULL: none was sent */
  bool local_names; /* any name without a dot is one of this machine */
  bool refused;
} visitor;

static bool is_digits(const char *text, size_t size) {
  return strspn(text, "0123456789") >= size;
}

/* "localhost", "anything.localhost", and either with a dot at its end. */
static bool is_localhost(const char *name, size_t size) {
  static const char localhost[] = "localhost";
  const size_t length = sizeof localhost - 1;
  if (size > 0 && name[size - 1] == '.') size--;
  if (size < length || strncasecmp(name + size - length, localhost, length) != 0) return false;

  return size == length || name[size - length - 1] == '.';
}

static bool is_loopback(const char *address, size_t size) {
  char text[INET6_ADDRSTRLEN];
  struct in_addr four;
  struct in6_addr six;
  if (size >= sizeof text) return false;
  memcpy(text, address, size);
  text[size] = '\0';
  if (inet_pton(AF_INET, text, &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  if (inet_pton(AF_INET6, text, &six) != 1) return false;

  return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

/* NAME, ADDRESS or [ADDRESS], and ":PORT" after each. Any port: it may be forwarded. */
static bool is_this_machine(const char *host, bool local_names) {
  const char *end, *port;
  if (*host == '[') {
    end = strchr(++host, ']');
    if (!end) return false;
    port = end + 1;
  } else {
    end = port = host + strcspn(host, ":");
  }

  size_t size = (size_t)(end - host);
  if (*port == ':' ? !is_digits(port + 1, strlen(port + 1)) : *port != '\0') return false;
  if (is_localhost(host, size) || is_loopback(host, size)) return true;

  return local_names && size > 0 && !memchr(host, '.', size) && !memchr(host, ':', size);
}

/* Whether the text is "http://" and the host that the request was sent to, with a path or without.
 */
static bool is_own(const char *text, const char *host) {
  static const char scheme[] = "http://";
  if (!host || strncasecmp(text, scheme, sizeof scheme - 1) != 0) return false;
  text += sizeof scheme - 1;
  size_t size = strlen(host);

  return strncasecmp(text, host, size) == 0 && (text[size] == '\0' || text[size] == '/');
}

static bool is_welcome(const visitor *from, const char *name, const char *value) {
  if (strpbrk(name, " \t")) return false; /* "Origin : …" is read by others as "Origin: …" */
  if (strcasecmp(name, "Host") == 0) return is_this_machine(value, from->local_names);
  if (strcasecmp(name, "Origin") == 0 || strcasecmp(name, "Referer") == 0)
    return is_own(value, from->host);
  if (strcasecmp(name, "Sec-Fetch-Site") == 0)
    return strcasecmp(value, "same-origin") == 0 || strcasecmp(value, "none") == 0;
  return true;
}

/* Looks at every header: a second one of a name must not hide behind the first. */
static enum MHD_Result look_at(void *context, enum MHD_ValueKind kind, const char *name,
                               const char *value) {
  (void)kind;
  visitor *from = context;
  from->refused = from->refused || !is_welcome(from, name, value ? value : "");
  return MHD_YES;
}

bool emulator_origin_is_local(const emulator_request *request) {
  visitor from = {
      .host = emulator_http_value(request, "Host"),
      .local_names = request->environment != NULL,
  };
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_at, &from);
  return !from.refused;
}
