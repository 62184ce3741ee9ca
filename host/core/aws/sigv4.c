/* See sigv4.h. */
#include "core/aws/sigv4.h"

#include <stdio.h>

static const char algorithm[] = "AWS4-HMAC-SHA256";
static const sigv4_error fine = {NULL, NULL};
static const sigv4_error out_of_memory = {"OutOfMemory", "not enough memory to sign the request"};

static sigv4_text text_of(const char *text) {
  return (sigv4_text){text, strlen(text)};
}

static sigv4_text text_in(const text_buffer *buffer) {
  return (sigv4_text){buffer->data ? buffer->data : "", buffer->size};
}

static void append(text_buffer *out, sigv4_text text) {
  text_buffer_append(out, text.at, text.size);
}

static void append_line(text_buffer *out, sigv4_text text) {
  append(out, text);
  text_buffer_byte(out, '\n');
}

static bool is_s3(sigv4_text service) {
  return sigv4_text_is(service, "s3") || sigv4_text_is(service, "s3express") ||
         sigv4_text_starts(service, "s3-");
}

static void empty(text_buffer *buffer) {
  if (buffer->failed) text_buffer_free(buffer);
  buffer->size = 0;
}

void sigv4_signer_clear(sigv4_signer *signer) {
  if (signer->headers.failed || signer->headers.text.failed) sigv4_headers_free(&signer->headers);
  if (signer->query.failed || signer->query.encoded.failed) sigv4_uri_query_free(&signer->query);
  sigv4_headers_clear(&signer->headers);
  sigv4_uri_query_clear(&signer->query);
  empty(&signer->canonical_request);
  empty(&signer->string_to_sign);
  empty(&signer->scope);
  empty(&signer->signed_headers);
  empty(&signer->result);
}

static bool memory_was_short(const sigv4_signer *signer) {
  return signer->headers.failed || signer->query.failed || signer->query.encoded.failed ||
         signer->canonical_request.failed || signer->string_to_sign.failed ||
         signer->scope.failed || signer->signed_headers.failed || signer->result.failed;
}

void sigv4_signer_free(sigv4_signer *signer) {
  sigv4_headers_free(&signer->headers);
  sigv4_uri_query_free(&signer->query);
  text_buffer *secret[] = {&signer->canonical_request, &signer->result};
  for (int i = 0; i < 2; i++)
    if (secret[i]->data) explicit_bzero(secret[i]->data, secret[i]->capacity);
  text_buffer_free(&signer->canonical_request);
  text_buffer_free(&signer->string_to_sign);
  text_buffer_free(&signer->scope);
  text_buffer_free(&signer->signed_headers);
  text_buffer_free(&signer->result);
  explicit_bzero(signer, sizeof *signer);
}

/* Whether every byte of a text is a letter, a digit or one of `others`. */
static bool consists_of(sigv4_text text, const char *others) {
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.at[i], letter = (char)(byte | 0x20);
    bool plain = (byte >= '0' && byte <= '9') || (letter >= 'a' && letter <= 'z');
    if (!plain && (byte == 0 || !strchr(others, byte))) return false;
  }

  return text.size > 0;
}

/* ASCII without spaces and controls. Without a branch a byte, so that compilers use vectors: tokens
 * have a thousand bytes. */
static bool is_visible(sigv4_text text) {
  unsigned hidden = 0;
  for (size_t i = 0; i < text.size; i++) hidden |= (unsigned char)(text.at[i] - '!') > '~' - '!';
  return !hidden;
}

/* A hash in hexadecimal, or one of the words that stand for one. */
static bool is_payload_hash(sigv4_text hash, bool *word) {
  if (hash.size >= SHA256_HEX) return false;
  *word = sigv4_text_is(hash, "UNSIGNED-PAYLOAD") ||
          (sigv4_text_starts(hash, "STREAMING-") && consists_of(hash, "-"));
  if (*word) return true;
  for (size_t i = 0; i < hash.size; i++)
    if (!memchr("0123456789abcdef", hash.at[i], 16)) return false;
  return hash.size == SHA256_HEX - 1;
}

static sigv4_error check_parts(const sigv4_request *request) {
  if (!consists_of(request->method, "-_"))
    return (sigv4_error){"InvalidMethod", "the method must be a word such as GET"};
  if (!consists_of(request->region, "-_."))
    return (sigv4_error){"InvalidRegion", "the region must be a name such as eu-central-1"};
  if (!consists_of(request->service, "-_."))
    return (sigv4_error){"InvalidService", "the service must be a name such as dynamodb"};
  if (!consists_of(request->access_key_id, "-_.+=@"))
    return (sigv4_error){"InvalidCredentials",
                         "access_key_id is empty or contains a character no key id has"};
  if (request->secret_access_key.size == 0)
    return (sigv4_error){"InvalidCredentials", "secret_access_key is empty"};
  if (!is_visible(request->session_token))
    return (sigv4_error){"InvalidCredentials",
                         "session_token contains a space, a control character or non-ASCII"};
  return fine;
}

/* Sets signer->payload_hash: the one that was given, the one in the header, or the body's own.
 * `word` says that it is a word in place of a hash; a header must then tell the service. */
static sigv4_error find_payload_hash(sigv4_signer *signer, const sigv4_request *request,
                                     bool *word) {
  const sigv4_header *header = sigv4_headers_find(&signer->headers, "x-amz-content-sha256");
  sigv4_text hash = request->payload_hash;
  *word = false;
  if (header) {
    sigv4_text sent = sigv4_headers_value(&signer->headers, header);
    if (hash.size > 0 && sigv4_text_compare(sent, hash) != 0)
      return (sigv4_error){"InvalidPayloadHash",
                           "payload_hash and the x-amz-content-sha256 header differ"};
    hash = sent;
  } else if (hash.size == 0) {
    sha256_text(request->body.at, request->body.size, signer->payload_hash);
    return fine;
  }

  if (!is_payload_hash(hash, word))
    return (sigv4_error){"InvalidPayloadHash",
                         "the payload hash must be 64 lower-case hexadecimal digits, "
                         "UNSIGNED-PAYLOAD or a STREAMING- form"};
  memcpy(signer->payload_hash, hash.at, hash.size);
  signer->payload_hash[hash.size] = 0;

  return fine;
}

/* DATE/REGION/SERVICE/aws4_request */
static void write_scope(sigv4_signer *signer, const sigv4_request *request) {
  text_buffer *out = &signer->scope;
  text_buffer_append(out, request->time.at, 8);
  text_buffer_byte(out, '/');
  append(out, request->region);
  text_buffer_byte(out, '/');
  append(out, request->service);
  text_buffer_text(out, "/aws4_request");
}

static void write_canonical_request(sigv4_signer *signer, const sigv4_request *request,
                                    sigv4_text path) {
  text_buffer *out = &signer->canonical_request;
  append_line(out, request->method);
  sigv4_uri_canonical_path(out, path, is_s3(request->service));
  text_buffer_byte(out, '\n');
  sigv4_uri_canonical_query(out, &signer->query);
  text_buffer_byte(out, '\n');
  sigv4_headers_canonical(out, &signer->headers);
  text_buffer_byte(out, '\n');
  append_line(out, text_in(&signer->signed_headers));
  append(out, text_of(signer->payload_hash));
}

static void write_string_to_sign(sigv4_signer *signer, const sigv4_request *request) {
  text_buffer *out = &signer->string_to_sign;
  char hash[SHA256_HEX];
  sha256_text(signer->canonical_request.data, signer->canonical_request.size, hash);
  append_line(out, text_of(algorithm));
  append_line(out, request->time);
  append_line(out, text_in(&signer->scope));
  append(out, text_of(hash));
}

static void write_signature(sigv4_signer *signer, const sigv4_request *request) {
  uint8_t signature[SHA256_SIZE];
  sigv4_text date = {request->time.at, 8};
  const sigv4_hmac *key = sigv4_key_derive(&signer->keys, request->secret_access_key, date,
                                           request->region, request->service);
  sigv4_key_hmac_digest(key, text_in(&signer->string_to_sign), signature);
  sha256_hex(signature, signer->signature);
}

static void write_authorization(sigv4_signer *signer, const sigv4_request *request) {
  text_buffer *out = &signer->result;
  text_buffer_text(out, algorithm);
  text_buffer_text(out, " Credential=");
  append(out, request->access_key_id);
  text_buffer_byte(out, '/');
  append(out, text_in(&signer->scope));
  text_buffer_text(out, ", SignedHeaders=");
  append(out, text_in(&signer->signed_headers));
  text_buffer_text(out, ", Signature=");
  append(out, text_of(signer->signature));
}

/* Checks the parts and takes out the headers that an earlier signature added. */
static sigv4_error prepare(sigv4_signer *signer, const sigv4_request *request, sigv4_url *url) {
  sigv4_error error = check_parts(request);
  if (error.code) return error;
  const char *wrong = sigv4_uri_parse(request->url, url);
  if (wrong) return (sigv4_error){"InvalidUrl", wrong};
  for (size_t i = signer->headers.count; i-- > 0;)
    if (signer->headers.headers[i].role == SIGV4_REPLACED)
      sigv4_headers_remove(&signer->headers, &signer->headers.headers[i]);
  if (!sigv4_headers_find(&signer->headers, "host"))
    sigv4_headers_add_own(&signer->headers, "host", url->host);
  sigv4_uri_query_parse(&signer->query, url->query);
  sigv4_uri_query_remove(&signer->query, "X-Amz-Signature");
  write_scope(signer, request);

  return fine;
}

static sigv4_error sort_headers(sigv4_signer *signer) {
  if (sigv4_headers_sort(&signer->headers))
    return (sigv4_error){"InvalidHeader",
                         "two headers have the same name but for case: give one a list of values"};
  sigv4_headers_signed(&signer->signed_headers, &signer->headers);
  return fine;
}

/* Headers and query are complete: the four stages. */
static void run_stages(sigv4_signer *signer, const sigv4_request *request, sigv4_text path) {
  write_canonical_request(signer, request, path);
  write_string_to_sign(signer, request);
  write_signature(signer, request);
}

sigv4_error sigv4_sign(sigv4_signer *signer, const sigv4_request *request) {
  sigv4_url url;
  bool word;
  sigv4_error error = prepare(signer, request, &url);
  if (!error.code) error = find_payload_hash(signer, request, &word);
  if (error.code) return error;
  sigv4_headers_add_own(&signer->headers, "x-amz-date", request->time);
  if (request->session_token.size > 0)
    sigv4_headers_add_own(&signer->headers, "x-amz-security-token", request->session_token);
  if ((is_s3(request->service) || request->content_sha256 || word) &&
      !sigv4_headers_find(&signer->headers, "x-amz-content-sha256"))
    sigv4_headers_add_own(&signer->headers, "x-amz-content-sha256", text_of(signer->payload_hash));
  error = sort_headers(signer);
  if (error.code) return error;
  run_stages(signer, request, url.path);
  write_authorization(signer, request);

  return memory_was_short(signer) ? out_of_memory : fine;
}

/* Presigning again replaces the parameters of the first time. */
static void remove_presign_parameters(sigv4_signer *signer) {
  static const char *const names[] = {
      "X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Date",
      "X-Amz-Expires",   "X-Amz-SignedHeaders", "X-Amz-Security-Token",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    sigv4_uri_query_remove(&signer->query, names[i]);
}

static void add_parameter(sigv4_signer *signer, const char *name, sigv4_text value) {
  sigv4_uri_query_add(&signer->query, text_of(name), value);
}

/* The user of a presigned URL sends few headers, so all that can move to the query does. */
static void move_headers_to_query(sigv4_signer *signer) {
  sigv4_headers *headers = &signer->headers;
  for (size_t i = headers->count; i-- > 0;) {
    sigv4_header *header = &headers->headers[i];
    sigv4_text name = sigv4_headers_name(headers, header);
    if (header->role != SIGV4_SIGNED || !sigv4_text_starts(name, "x-amz-")) continue;
    sigv4_uri_query_add(&signer->query, name, sigv4_headers_value(headers, header));
    sigv4_headers_remove(headers, header);
  }
}

static void add_presign_parameters(sigv4_signer *signer, const sigv4_request *request) {
  char expires[16];
  snprintf(expires, sizeof expires, "%u", request->expires);
  text_buffer *credential =
      &signer->string_to_sign; /* its buffer is borrowed until the string to sign is written */
  append(credential, request->access_key_id);
  text_buffer_byte(credential, '/');
  append(credential, text_in(&signer->scope));
  add_parameter(signer, "X-Amz-Algorithm", text_of(algorithm));
  add_parameter(signer, "X-Amz-Credential", text_in(credential));
  add_parameter(signer, "X-Amz-Date", request->time);
  add_parameter(signer, "X-Amz-Expires", text_of(expires));
  add_parameter(signer, "X-Amz-SignedHeaders", text_in(&signer->signed_headers));
  if (request->session_token.size > 0)
    add_parameter(signer, "X-Amz-Security-Token", request->session_token);
  credential->size = 0;
}

/* Writes the URL up to its query. The path is signed in the form in which it will be sent. */
static bool begin_presigned_url(sigv4_signer *signer, const sigv4_request *request,
                                sigv4_url *url) {
  text_buffer *out = &signer->result;
  size_t before = (size_t)(url->path.at - request->url.at);
  text_buffer_append(out, request->url.at, before);
  sigv4_uri_sendable(out, url->path);
  if (url->path.size == 0) text_buffer_byte(out, '/');
  if (out->failed) return false;
  url->path = (sigv4_text){out->data + before, out->size - before};

  return true;
}

/* The query as it was signed, and the signature last. */
static void end_presigned_url(sigv4_signer *signer) {
  text_buffer *out = &signer->result;
  text_buffer_byte(out, '?');
  sigv4_uri_canonical_query(out, &signer->query);
  text_buffer_text(out, "&X-Amz-Signature=");
  text_buffer_text(out, signer->signature);
}

sigv4_error sigv4_presign(sigv4_signer *signer, const sigv4_request *request) {
  sigv4_url url;
  bool word;
  if (request->expires < 1 || request->expires > SIGV4_EXPIRES_MAX)
    return (sigv4_error){"InvalidExpires", "expires must be 1 to 604800 seconds (a week)"};
  sigv4_request asked = *request;
  if (is_s3(request->service) && request->payload_hash.size == 0 &&
      !sigv4_headers_find(&signer->headers, "x-amz-content-sha256"))
    asked.payload_hash = text_of("UNSIGNED-PAYLOAD"); /* the body is not known yet */
  sigv4_error error = prepare(signer, &asked, &url);
  if (!error.code) error = find_payload_hash(signer, &asked, &word);
  if (error.code) return error;
  remove_presign_parameters(signer);
  move_headers_to_query(signer);
  error = sort_headers(signer);
  if (error.code) return error;
  add_presign_parameters(signer, &asked);
  if (!begin_presigned_url(signer, &asked, &url)) return out_of_memory;
  run_stages(signer, &asked, url.path);
  end_presigned_url(signer);

  return memory_was_short(signer) ? out_of_memory : fine;
}
