-- What the invocation that is being handled tells every client: set by the Lambda runtime, which
-- need not load a single client for it. Its deadline is weir.process's.
--   trace_id      the value of X-Amzn-Trace-Id: the services go on with the trace; nil: none
return { trace_id = nil }
