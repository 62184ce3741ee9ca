/* Reading requests, shared by the two files of the `weir.sigv4` binding. Texts point into Lua
 * strings and secrets that the argument's tables keep alive.
 * `secret` becomes true when a text was a secret. */
#ifndef WEIR_SIGV4_REQUEST_H
#define WEIR_SIGV4_REQUEST_H

#include "binding.h"
#include "core/aws/sigv4.h"
#include "core/aws/sigv4_time.h"

/* Where sigv4_request_read leaves the session token on the stack. */
enum { SIGV4_REQUEST_TOKEN = 15 };

/* Reads all but the headers of the table at index 1, and leaves its members on the stack. When a
 * part is wrong, pushes nil, message and code, and answers false. */
bool sigv4_request_read(lua_State *L, sigv4_request *request, char time_text[SIGV4_TIME],
                        bool *secret, const char *signature);

/* Reads the headers of the table at index 1 into the signer, and into the result table at index
 * (0: none). NULL, or what is wrong. */
const char *sigv4_request_read_headers(lua_State *L, sigv4_signer *signer, int result, bool *secret,
                                       const char *signature);

#endif
