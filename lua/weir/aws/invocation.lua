-- What the invocation that is being handled tells every client: set by the Lambda runtime, which need
-- not load a single client for it.
--   deadline_ms   epoch milliseconds after which nothing may be sent or waited for; nil: none
--   trace_id      the value of X-Amzn-Trace-Id: the services go on with the trace; nil: none
return { deadline_ms = nil, trace_id = nil }
