-- A function whose policies change while it runs, for the specs of policy sources. One at a time:
--   before_each(policy_world.open); after_each(policy_world.close)
-- policy_world.root is the function's root, an empty directory.
local cloud = require "support.aws"
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_set = require "weir.policy_set"
local run = require "support.run"

local policy_world = {}

local runtime, count

-- A routing policy that answers batch from `threshold` files on.
function policy_world.policy(threshold)
  return ([[return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count < %d then return realtime { because = "below %d" } end
    return batch { because = "at or above %d" }
  end,
  examples = { { given = { file_count = %d }, expect = "batch" } },
}
]]):format(threshold, threshold, threshold, threshold)
end

policy_world.BROKEN = policy_world.policy(5):gsub('expect = "batch"', 'expect = "realtime"')

-- A good set that has no policy of the kind that the handler asks.
policy_world.OTHER = { ["mapping.lua"] = run.read("policies/mapping.lua") }

-- bundle(threshold) → text, digest. Without a threshold: of OTHER.
function policy_world.bundle(threshold)
  local files = threshold and { ["routing.lua"] = policy_world.policy(threshold) }
  local directory = run.directory(files or policy_world.OTHER)
  local set = assert(policy_set.load(directory))
  run.remove(directory)

  return assert(set:bundle()), set:digest()
end

function policy_world.open()
  lambda.reset()
  cloud.reset()
  policy_world.root, count = run.directory(), 0
end

function policy_world.close()
  if runtime then runtime:stop() end
  runtime = nil
  run.remove(policy_world.root)
end

-- Starts the routing handler with what the environment says besides.
function policy_world.start(environment)
  local all = cloud.variables {
    _HANDLER = "routing",
    WEIR_POLICY_POLL_SECONDS = "0",
    LAMBDA_TASK_ROOT = policy_world.root,
  }

  for name, value in pairs(environment) do all[name] = value end
  runtime = lambda.start(all)
end

-- Decides on `files` files: → the reason, or the message of the error.
function policy_world.decide(files)
  count = count + 1
  lambda.script { kind = "event", id = "r" .. count, body = ('{"file_count": %d}'):format(files) }
  local decision = json.decode(lambda.posts(count)[count].body)

  return decision.because or decision.errorMessage
end

-- Waits until the runtime is done with what follows the last answer, too.
function policy_world.settle() lambda.await_next(count + 1) end

-- Ends the runtime: → its result
function policy_world.stop()
  local result = runtime:stop()
  runtime = nil
  return result
end

-- Puts the text in the place of a directory's routing policy, at once.
function policy_world.write(text, directory)
  os.execute("mkdir -p " .. directory)
  run.write(directory .. "/new", text)
  os.rename(directory .. "/new", directory .. "/routing.lua")
end

return policy_world
