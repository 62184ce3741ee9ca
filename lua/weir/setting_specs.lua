-- Every setting that a handler of weir's may read: its type and bounds, which weir.settings checks
-- it by, its default, and what it means, which `weir help handler` shows. name → field spec
-- (docs/kinds.md), with `default` where there is one. The default of a text is applied where it is
-- read; tests/unit/declarations_spec.lua compares.
local function integer(min, max, default, doc, unit)
  return { type = "integer", min = min, max = max, default = default, doc = doc, unit = unit }
end

local function choice(values, default, doc)
  return { type = "choice", values = values, default = default, doc = doc }
end

local function flag(default, doc) return { type = "flag", default = default, doc = doc } end
local function text(doc, default) return { type = "text", doc = doc, default = default } end

return {
  ab_test_id = text "the name of the A/B test; else the endpoint's",
  ab_test_interval_seconds = integer(1, 3600, 60, "of one sketch of requests", "seconds"),
  ab_test_records = choice({ "each", "sketches" }, "each",
    "how requests are recorded: an item each, or an item for an interval"),
  ab_test_table_key = choice({ "auto", "sharded", "numbered", "single" }, "auto",
    "the keys of the table; auto asks DynamoDB"),
  ab_test_table_name = text "the table of the A/B test's records; without it nothing is recorded",
  aggregation_window_seconds = integer(60, 3600, 300, "of one window, whole minutes", "seconds"),
  bedrock_api = choice({ "converse", "nova", "anthropic", "titan", "llama" }, "converse",
    "how the model is asked"),
  bedrock_model_id = text("the model that describes an image", "amazon.nova-lite-v1:0"),
  bucket = text "the bucket, or access point, that is worked for",
  challenger_variant = text "the variant on trial; else the one that is not the champion",
  champion_variant = text "the variant that serves as the standard",
  checkpoint = flag(true, "whether what was listed is remembered"),
  claim_lease_seconds = integer(0, 86400, 0,
    "how long a claim of an object holds; 0 is as long as the function may run", "seconds"),
  claims_table = text "the table in which objects are claimed, so that each is processed once",
  compatible_output = flag(false, "answer as the Python handlers do"),
  concurrency = integer(1, 32, 8, "files at a time, of a manifest"),
  confidence_threshold = text "what the policy of kind review gets as threshold, 0 to 100",
  correlation_id_length = choice({ "8", "12", "16" }, "8", "digits of a record's id"),
  dead_letter_bucket = text "where events go that no job can be made of",
  dead_letter_prefix = text("what their keys begin with", "dead-letters/"),
  endpoint_name = text "the endpoint, where the event does not name it",
  event_bus = text("where decisions are told", "default"),
  external_id = text "with which storage_role_arn is taken",
  inference_component_name = text "the component of the endpoint",
  instance_count = integer(1, 100, 1, "instances of a transform job"),
  instance_type = text("of a transform job", "ml.m5.large"),
  late_seconds = integer(0, 86400, 900, "how long records of a window are waited for", "seconds"),
  max_pages = integer(0, 1000000000, 0, "pages of one invocation; 0: without a limit"),
  max_retries = integer(0, 10, 3, "of a request to the endpoint, as the Python handler has it"),
  mock_mode = flag(false, "answer without SageMaker, as the Python handler does for tests"),
  model_name = text "the model of a transform job",
  output_bucket = text "where results go",
  output_path = text "where the results of a transform job go, s3://bucket/prefix/",
  output_prefix = text "what the keys of results begin with",
  page_size = integer(0, 1000000000, 0, "objects of one page of a listing; 0 is what S3 gives"),
  payload_limit = integer(1, 26214400, nil,
    "the largest file that is sent to an endpoint; else what SageMaker takes", "bytes"),
  phase = text("of the tags of a job, as the Python handler has it", "4"),
  prefix = text "what the keys of listed objects begin with",
  promotion = choice({ "observe", "act" }, "observe", "whether decisions are carried out"),
  reconcile_grace_seconds = integer(0, 86400, 300,
    "how young an object may be that is left to its event", "seconds"),
  require_approval = flag(true, "whether a variant whose share grows must be in the registry"),
  result_ttl_days = integer(1, 3650, 30, "how long records are kept", "days"),
  s3_access_point_alias = text "of the file's bucket, as the Python handler has it",
  source_bucket = text "the bucket that is worked for; objects whose event names none are in it",
  stack = text "of CloudFormation, that the function is of: a tag of its jobs",
  state_machine = text "each job starts an execution of it",
  storage_role_arn = text "the role in which files are listed and read",
  suffix = text "what the keys of listed objects end with, a list with commas",
  token_region = text "of a global table: the region with which its ids begin",
  token_storage_mode = choice({ "dynamodb", "direct" }, "dynamodb",
    "where a task token is kept: a table, or the job's tags"),
  token_table = text "the table of task tokens",
  token_ttl_seconds = integer(60, 315360000, 86400, "how long a task token is kept", "seconds"),
  trigger_mode = text("polling, parallel, events_first or events; or the SSM parameter that "
    .. "says it", "events_first"),
  trigger_mode_seconds = integer(0, 3600, 30, "how long the parameter's value is believed",
    "seconds"),
  use_case = text("a dimension of every metric, and a tag of jobs", "autonomous-driving"),
  variant_assignment = choice({ "endpoint", "policy" }, "endpoint",
    "who chooses the variant of a request"),
  volume = text "the volume behind the bucket",
  warm_up_seconds = integer(0, 86400, 600, "after a change that do not count", "seconds"),
  weights = choice({ "observe", "act" }, "observe", "whether new weights are set"),
}
