/* What the files of the Runtime API's client share. */
#ifndef WEIR_CORE_RUNTIME_API_IMPL_H
#define WEIR_CORE_RUNTIME_API_IMPL_H

#include "core/runtime_api/runtime_answer.h"
#include "core/runtime_api/runtime_api.h"

/* invocation.c: the invocation that an answer to /next holds. Its texts stay in the answer. False
 * when it has no usable request id, so that it cannot be answered. */
bool runtime_api_read_invocation(const runtime_answer *answer, runtime_invocation *invocation);

#endif
