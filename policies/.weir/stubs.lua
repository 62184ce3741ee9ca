---@meta
-- What policies of this set may say, for editors. Written by weir; after a change of kinds or
-- parameters: weir stubs DIR

-- What an action makes, and decide returns.
---@class weir.decision

-- What integer { … } and the others make.
---@class weir.parameter

---@class weir.example
---@field given table the facts
---@field params? table<string, any> parameters that are not at their defaults
---@field expect string|table an action, or what the decision must have
---@field doc? string

-- How a batch of files gets its predictions: through an endpoint now, or in a batch job.
---@class routing.facts
---@field file_count integer files in this batch (files)
---@field total_bytes? integer size of all files together (bytes)
---@field largest_bytes? integer size of the largest file: one file is one request to an endpoint (bytes)
---@field inference_type? "none"|"provisioned"|"serverless"|"components" what is deployed: no endpoint at all, instances, a serverless endpoint, or inference components; absent means instances
---@field endpoint_status? "InService"|"Creating"|"Updating"|"SystemUpdating"|"RollingBack"|"OutOfService"|"Deleting"|"Failed"|"UpdateRollbackFailed" SageMaker's EndpointStatus; absent when nobody asked
---@field volume? string the volume the files are on
---@field prefix? string what the keys of the files begin with
---@field deadline_seconds? integer time left until the predictions are due; absent when there is no deadline (seconds)

-- Send each file to the provisioned endpoint and wait. Refused when the facts say that there is no endpoint, or none in service.
---@class routing.realtime
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields routing.realtime
---@return weir.decision
function realtime(fields) end

-- Start a batch transform job over all files.
---@class routing.batch
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields routing.batch
---@return weir.decision
function batch(fields) end

-- Send each file to the serverless endpoint, cold starts allowed for. Refused like realtime.
---@class routing.serverless
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields routing.serverless
---@return weir.decision
function serverless(fields) end

-- Send each file to the inference component, scale-out from zero allowed for. Refused like realtime.
---@class routing.components
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields routing.components
---@return weir.decision
function components(fields) end

---@class weights.facts.variants
---@field name string the variant's name, as in the endpoint configuration
---@field weight? number its weight now; any scale, only the proportions count; absent when nobody has set one
---@field stage? "champion"|"challenger"|"retired"|"failed" its place in the life of a model; a retired or failed variant gets no traffic
---@field serverless? boolean whether it runs on demand: a request may then have 4 MB at most

-- How the traffic of an endpoint is split between its variants, and which variant one caller gets.
---@class weights.facts
---@field variants (weights.facts.variants)[] the variants of the endpoint, in its own order
---@field assignment_key? string who is asking: a tenant, a volume, a session; present when one variant is wanted
---@field experiment? string name of the experiment: the same key may fall differently in another one
---@field endpoint? string the endpoint's name

-- Give every variant this share of the traffic. Refused unless the shares are finite, sum to 1 within 1e-9, name every variant and no other, and leave retired and failed ones at 0.
---@class weights.weights
---@field because string why; a format for the values without a name
---@field [integer] any
---@field weights table<string, number> share by variant name

---@param fields weights.weights
---@return weir.decision
function weights(fields) end

-- Send this caller to one variant. Refused without an assignment_key, and for a variant that is unknown, retired or failed.
---@class weights.assign
---@field because string why; a format for the values without a name
---@field [integer] any
---@field variant string the variant's name
---@field bucket integer where the key fell, so that an assignment can be recomputed by hand

---@param fields weights.assign
---@return weir.decision
function assign(fields) end

-- latency of the answers
---@class promotion.facts.variants.window.latency_ms
---@field mean? number arithmetic mean (milliseconds)
---@field p50? number median (milliseconds)
---@field p90? number 90th percentile (milliseconds)
---@field p95? number 95th percentile (milliseconds)
---@field p99? number 99th percentile (milliseconds)

-- what it did in this trial, warm-ups left out
---@class promotion.facts.variants.window
---@field from? integer when the window begins (epoch seconds)
---@field to? integer when it ends; what happens then is not in it (epoch seconds)
---@field seconds? integer length of the window (seconds)
---@field share? number share of the traffic that the variant was to get
---@field warming? boolean too soon after a change of weights or instances to count for anything
---@field requests? integer requests answered or failed; absent: no data
---@field errors? integer requests that failed; 0 means that none failed, absent that nobody knows
---@field latency_ms? promotion.facts.variants.window.latency_ms latency of the answers

-- latency of the answers
---@class promotion.facts.variants.recent.latency_ms
---@field mean? number arithmetic mean (milliseconds)
---@field p50? number median (milliseconds)
---@field p90? number 90th percentile (milliseconds)
---@field p95? number 95th percentile (milliseconds)
---@field p99? number 99th percentile (milliseconds)

-- what it did in the last window, for guardrails
---@class promotion.facts.variants.recent
---@field from? integer when the window begins (epoch seconds)
---@field to? integer when it ends; what happens then is not in it (epoch seconds)
---@field seconds? integer length of the window (seconds)
---@field share? number share of the traffic that the variant was to get
---@field warming? boolean too soon after a change of weights or instances to count for anything
---@field requests? integer requests answered or failed; absent: no data
---@field errors? integer requests that failed; 0 means that none failed, absent that nobody knows
---@field latency_ms? promotion.facts.variants.recent.latency_ms latency of the answers

---@class promotion.facts.variants
---@field name string the variant's name
---@field stage? "champion"|"challenger"|"retired"|"failed" its place in the life of a model
---@field weight? number its share of the traffic now
---@field approval? "Approved"|"PendingManualApproval"|"Rejected" ModelApprovalStatus of its package in the registry; absent when it is in none
---@field window? promotion.facts.variants.window what it did in this trial, warm-ups left out
---@field recent? promotion.facts.variants.recent what it did in the last window, for guardrails

-- error rate of the challenger minus that of the champion, as a fraction
---@class promotion.facts.evidence.error_rate
---@field low number lower end
---@field high number upper end
---@field estimate? number what the data say without caution

-- p99 of the challenger relative to the champion's: 0.1 is ten percent slower
---@class promotion.facts.evidence.latency
---@field low number lower end
---@field high? number upper end; absent while the data do not reach it
---@field estimate? number what the data say without caution
---@field dispersion? number how much more than by chance the latencies of each hour vary, which the interval is wide enough for; absent below ten hours, and where it is not at all

-- the same of the median, which is known from ten times fewer requests
---@class promotion.facts.evidence.latency_p50
---@field low number lower end
---@field high? number upper end; absent while the data do not reach it
---@field estimate? number what the data say without caution
---@field dispersion? number how much more than by chance the latencies of each hour vary, which the interval is wide enough for; absent below ten hours, and where it is not at all

-- the champion's latency there, standardised to the challenger's times
---@class promotion.facts.evidence.quantiles.champion_ms
---@field low number lower end
---@field high? number upper end; absent while the data do not reach it
---@field estimate? number what the data say without caution

-- the challenger's
---@class promotion.facts.evidence.quantiles.challenger_ms
---@field low number lower end
---@field high? number upper end; absent while the data do not reach it
---@field estimate? number what the data say without caution

---@class promotion.facts.evidence.quantiles
---@field quantile number such as 0.99 for p99
---@field champion_ms promotion.facts.evidence.quantiles.champion_ms the champion's latency there, standardised to the challenger's times (milliseconds)
---@field challenger_ms promotion.facts.evidence.quantiles.challenger_ms the challenger's (milliseconds)

-- the same comparison since the weights last changed, the lower ends only
---@class promotion.facts.evidence.step
---@field requests? number requests of the challenger
---@field error_rate_low? number lower end, as error_rate.low
---@field latency_low? number lower end, as latency.low

-- comparison of the challenger with the champion over the whole trial
---@class promotion.facts.evidence
---@field method? "always_valid"|"fixed_horizon" always_valid intervals hold at every look; fixed_horizon ones only at one look planned ahead
---@field confidence? number confidence of the intervals, such as 0.95
---@field error_rate? promotion.facts.evidence.error_rate error rate of the challenger minus that of the champion, as a fraction
---@field latency? promotion.facts.evidence.latency p99 of the challenger relative to the champion's: 0.1 is ten percent slower
---@field latency_p50? promotion.facts.evidence.latency_p50 the same of the median, which is known from ten times fewer requests
---@field quantiles? (promotion.facts.evidence.quantiles)[] latencies of both over the whole trial, each interval valid at every look
---@field requests? number requests of the challenger that the error rate is taken from
---@field errors? number those of them that failed
---@field champion_requests? number requests of the champion, standardised to the challenger's times: need not be whole
---@field champion_errors? number those of them that failed
---@field successes? number requests of the challenger that the latency is taken from
---@field champion_successes? number the same of the champion, standardised
---@field dispersion? number how much more than by chance the error rates of the windows vary: 1 is not at all
---@field step? promotion.facts.evidence.step the same comparison since the weights last changed, the lower ends only
---@field sample_ratio_p? number p-value of the observed split of requests against the configured one
---@field sample_ratio_shift? number requests of the challenger relative to what it should have got: -0.05 is 5 % too few
---@field sample_ratio_minutes? integer since the split was first found broken (p below 0.001); absent while it is not (minutes)

-- an operator's order, obeyed before any analysis
---@class promotion.facts.order
---@field action "rollback"|"hold" what is ordered
---@field to? string for a rollback: the variant to go back to
---@field by? string who ordered it
---@field reason? string why

---@class promotion.facts.history
---@field at integer when (epoch seconds)
---@field action "promote"|"ramp"|"hold"|"rollback" what was done
---@field variant? string to which variant
---@field weight? number its share of the traffic from then on

-- What becomes of a challenger: promote it, give it more traffic, hold, or roll it back.
---@class promotion.facts
---@field now integer when the facts were gathered; a policy has no other clock (epoch seconds)
---@field champion string the variant that serves as the standard
---@field challenger? string the variant to judge; absent when none is running
---@field variants (promotion.facts.variants)[] the variants of the endpoint
---@field evidence? promotion.facts.evidence comparison of the challenger with the champion over the whole trial
---@field minutes_since_start? integer since the trial began (minutes)
---@field minutes_since_change? integer since weights or instances last changed (minutes)
---@field good_looks? integer the good_looks of the decision before, when that was to hold
---@field order? promotion.facts.order an operator's order, obeyed before any analysis
---@field history? (promotion.facts.history)[] earlier decisions that were carried out, in any order
---@field endpoint? string the endpoint's name

-- Make the variant the champion. Refused unless it is a variant other than the champion, its package is Approved, it is neither retired nor failed, and its requests and errors are known.
---@class promotion.promote
---@field because string why; a format for the values without a name
---@field [integer] any
---@field variant string the variant's name

---@param fields promotion.promote
---@return weir.decision
function promote(fields) end

-- Give the variant a larger share of the traffic, below 1, and judge it again. Refused like promote, but that a variant of weight 0 needs no data for its first share.
---@class promotion.ramp
---@field because string why; a format for the values without a name
---@field [integer] any
---@field variant string the variant's name
---@field weight number its new share

---@param fields promotion.ramp
---@return weir.decision
function ramp(fields) end

-- Change nothing for now.
---@class promotion.hold
---@field because string why; a format for the values without a name
---@field [integer] any
---@field needs string what is missing, in words an operator can act on
---@field requests? integer how many more requests that takes, when it can be told
---@field good_looks? integer how many looks in a row, this one included, were good enough to go on

---@param fields promotion.hold
---@return weir.decision
function hold(fields) end

-- Take the variant out of the traffic. Valid in every state, as long as both are variants.
---@class promotion.rollback
---@field because string why; a format for the values without a name
---@field [integer] any
---@field variant string the variant that loses its traffic
---@field to string the variant that takes it over

---@param fields promotion.rollback
---@return weir.decision
function rollback(fields) end

-- Which work, if any, one event stands for.
---@class mapping.facts
---@field event any one event as it arrived; a notification with several records is split by the handler first
---@field bucket? string the one bucket, access point alias or ARN that the handler works for, when it is told
---@field volume? string the volume behind the bucket or access point, when the handler knows it

-- One normalised work item. Refused when work is transform and transform or status are missing, or when it is anything else and bucket or key are. The fields of how it arrived may differ for the same work; all others are the same, whichever way it came.
---@class mapping.job
---@field because string why; a format for the values without a name
---@field [integer] any
---@field work string which pipeline: transform is a transform job to finish; any other name is a pipeline for objects, and object is the one that comes with weir
---@field idempotency_key string equal for the same work however often and by whichever way it arrives
---@field bucket? string object: bucket name, access point alias or access point ARN
---@field key? string object: its key, not URL-encoded
---@field size? integer object: its size (bytes)
---@field etag? string object: its entity tag, without quotes
---@field volume? string object: the volume it is on
---@field transform? string transform: name of the job
---@field status? "Completed"|"Failed"|"Stopped" transform: how it ended
---@field failure? string transform: SageMaker's reason for a failure
---@field model? string transform: the model that ran
---@field output? string transform: where its results are
---@field source string how it arrived: the way, such as eventbridge, notification, listing, sagemaker
---@field reason? string how it arrived: the operation that wrote the object
---@field version? string how it arrived: the object's version, in a versioned bucket
---@field sequencer? string how it arrived: orders the writes of one key, as right-padded hex digits
---@field time? string how it arrived: when it happened; of a listing, when the object was modified

---@param fields mapping.job
---@return weir.decision
function job(fields) end

-- Nothing to do.
---@class mapping.ignore
---@field because string why; a format for the values without a name
---@field [integer] any
---@field unknown? boolean the policy does not know events of this shape: the handler event_map keeps a dead-letter record of it, until a newer policy does

---@param fields mapping.ignore
---@return weir.decision
function ignore(fields) end

---@class review.facts.labels
---@field name string what is seen, in the service's words
---@field confidence number how sure the service is (percent)

-- Whether the labels of an image are accepted, or a person reviews them.
---@class review.facts
---@field labels (review.facts.labels)[] what was seen, the surest first; empty when nothing was
---@field key string the object's key
---@field size? integer the object's size (bytes)
---@field is_fallback boolean whether the description is made of the labels, because the model failed or answered no JSON
---@field threshold? number the function's setting CONFIDENCE_THRESHOLD; absent when nobody set it (percent)

-- Used as it is: the result says SUCCESS. Refused without labels.
---@class review.accept
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields review.accept
---@return weir.decision
function accept(fields) end

-- A person looks at it: the result says MANUAL_REVIEW.
---@class review.manual_review
---@field because string why; a format for the values without a name
---@field [integer] any

---@param fields review.manual_review
---@return weir.decision
function manual_review(fields) end

---@class weir.params
---@field payload_limit integer bytes that an endpoint accepts in one request; a larger file goes to batch
---@field threshold integer files; at or above goes to batch
---@field first_share number share of the champion, or of the first variant, when two come without weights
---@field confidence number confidence that the intervals must have
---@field cool_down_minutes integer minutes without traffic after a rollback
---@field error_tolerance_max number and at most this
---@field error_tolerance_min number but at least this, as a fraction of requests
---@field error_tolerance_relative number rise of the error rate that is no worse, relative to the champion's
---@field full_share number share at which it is promoted
---@field good_looks integer good looks in a row before each step
---@field guard_requests integer requests before it may be rolled back
---@field harm_budget number how many times the tolerance a step to a small share may leave open
---@field latency_minutes integer minutes at a share before p99 since that step alone may roll back
---@field latency_tolerance number relative rise of p99 that is no worse
---@field max_dispersion number how much more than by chance error rates may vary
---@field max_error_rate number guardrail: error rate
---@field max_hours integer hours after which a trial ends
---@field max_p99_ms number guardrail: p99 latency in milliseconds
---@field min_minutes integer minutes that it must have been watched at each share
---@field min_requests integer requests that each variant must have answered
---@field p99_requests integer requests below which p99 says nothing
---@field sample_ratio_minutes integer minutes of a broken split before it is rolled back
---@field sample_ratio_p number below this p-value the split is broken
---@field sample_ratio_shift number a split is broken only when it is off by this, relative
---@field soak_minutes integer minutes that it must have been watched at the full share
---@field output_prefix string keys that begin so are our own output; empty for none
---@field output_suffix string keys that end so are our own output; empty for none
---@field prefix string other keys are ignored; empty for all
---@field suffixes string keys with other endings are ignored, such as .jpg,.png; empty for all
---@field work string the pipeline that processes objects; object is the one that comes with weir
---@field review_fallback boolean whether a person looks at every image that the model could not describe

---@alias weir.facts routing.facts|weights.facts|promotion.facts|mapping.facts|review.facts

---@class weir.policy
---@field kind "routing"|"weights"|"promotion"|"mapping"|"review" which question it answers
---@field decide fun(facts: weir.facts, params: weir.params): weir.decision
---@field params? table<string, weir.parameter>
---@field examples? weir.example[]
---@field name? string
---@field doc? string

---@param spec weir.policy
---@return weir.policy
function policy(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function integer(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function number(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function text(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function flag(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function choice(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function list(spec) end

---@param spec table the default first, then its bounds and doc
---@return weir.parameter
function map(spec) end
