-- ./dev demo-estate: an estate of four accounts on embedded servers, from its plan to its clean-up,
-- as an operator would follow it: planned, applied, its files read through the access point in the
-- role of a function, everybody else refused, looked at, and cleaned up.
--
--   weir lua tests/workflow/demo_estate.lua DIRECTORY
--
-- CloudFormation, STS, S3 and the rest are the servers of tests/servers, which judge each request
-- in a deployed role by IAM's rules. Exit status 0 only if what it shows is true.
package.path = "tests/?.lua;" .. package.path
local aws = require "weir.aws"
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local stacks = require "support.stacks"

local directory = assert(arg[1], "expected weir lua tests/workflow/demo_estate.lua DIRECTORY")

local STORAGE, SHARED = "444455556666", "777788889999"
local SCANS, MAPS = "111122223333", "222233334444"
local POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"
local EXTERNAL_IDS = {
  [SCANS] = "scans-" .. ("7f3c9a"):rep(4),
  [MAPS] = "maps-" .. ("b21e08"):rep(4),
}
local OPERATOR = "arn:aws:iam::111122223333:user/operator"
local ADMINISTRATOR = "arn:aws:iam::444455556666:role/admin"
local PAGE = "one page of a scan\n"

local ESTATE = ([[
-- Four accounts: one has the files, one watches, two read files.
local access_point = "%s"

return {
  name = "weir",
  regions = { "eu-west-1" },
  features = {
    "Boundary", "Batch", "TokenStore", "Polling", "Alarms", "Sink", "Alerts", "Link", "Policy",
  },
  artifacts = {
    bucket = "weir-artifacts-{account}-{region}",
    layer = "%s/layer.zip",
    code = "%s/code.zip",
  },
  parameters = {
    core = {
      AccessPointArn = access_point,
      OutputBucket = "weir-results",
      ModelName = "segmentation-v3",
    },
    storage = { AccessPointArn = access_point },
  },
  accounts = {
    { id = "%s", kind = "storage", role = { arn = "arn:aws:iam::%s:role/deployer" } },
    { id = "%s", kind = "shared", role = { arn = "arn:aws:iam::%s:role/deployer" } },
    {
      id = "%s",
      kind = "workload",
      external_id = "%s",
      stacks = { "boundary", "core", "link" },
    },
    {
      id = "%s",
      kind = "workload",
      external_id = "%s",
      stacks = { "boundary", "core", "link" },
      role = { arn = "arn:aws:iam::%s:role/deployer" },
      parameters = { core = { RoutingThreshold = 20 } },
    },
  },
}
]]):format(POINT, directory, directory, STORAGE, STORAGE, SHARED, SHARED, SCANS,
  EXTERNAL_IDS[SCANS], MAPS, EXTERNAL_IDS[MAPS], MAPS)

-- Printing ----------------------------------------------------------------------------------------

local function env(name) return (os.getenv(name) or "") ~= "" end
local colours = env "FORCE_COLOR" and not env "NO_COLOR"

local printed = {}

local function say(format, ...)
  local text = format:format(...)
  printed[#printed + 1] = text
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

local function paint(code, text)
  return colours and ("\27[%sm%s\27[0m"):format(code, text) or text
end

local acts = 0
local function title(text)
  acts = acts + 1
  say("\n%s", paint("1", ("%d. %s"):format(acts, text)))
end

local function step(who, what, colour)
  say("  %s  %s", paint(colour or "36", ("%-9s"):format(who)), what)
end

local function check(fine, problem, ...)
  if not fine then error(problem:format(...), 0) end
end

-- The program -------------------------------------------------------------------------------------

-- weir WORDS… FLAGS…: shows the command and the lines of its output that `shown` gives something
-- for. The estate file comes after the words.
local function weir(words, expected, shown)
  local flags = words.flags or {}
  say("\n  $ weir %s\n", table.concat({ words[1], "estate.lua", table.unpack(flags) }, " "))
  local parts = {}
  for part in words[1]:gmatch "%S+" do parts[#parts + 1] = part end
  parts[#parts + 1] = directory .. "/estate.lua"
  table.move(flags, 1, #flags, #parts + 1, parts)
  parts.env = stacks.environment { NO_COLOR = "1" }
  parts.timeout = 600
  local result = run(parts)
  check(result.status == expected, "weir %s: status %d\n%s%s", words[1], result.status,
    result.stdout, result.stderr)

  for line in result.stdout:gmatch "[^\n]+" do
    local text = shown(line)
    if text then say("  %s", text) end
  end

  return result
end

-- Lines that are not indented: one for each stack.
local function headlines(line) return not line:find "^ " and line or nil end

-- Of what is done, without what the plan before it says.
local function done(line)
  local is_planned = line:find("would be", 1, true) or line:find "^In " or line:find "^Not in it"
    or line:find "^There are no list prices"
  if line:find "^ " or is_planned then return nil end
  return (line:gsub("/(%x%x%x%x%x%x%x%x)%x+%.", "/%1….")) -- of a digest its beginning
end

local function nothing() return nil end

-- Reading files -----------------------------------------------------------------------------------

-- The keys that Lambda gives to a function in this role.
local function keys_of(role)
  local keys = cloud.control("POST", "roles/keys", { arn = role })
  return {
    access_key_id = keys.AccessKeyId,
    secret_access_key = keys.SecretAccessKey,
    session_token = keys.SessionToken,
  }
end

local function discovery(account)
  return ("arn:aws:iam::%s:role/weir-eu-west-1-discovery"):format(account)
end

-- Reads the file as the caller, in the role `through` where one is given.
-- → text | nil, message, code
local function read(caller, through)
  local client = aws.client("s3", {
    credentials = keys_of(caller),
    role = through,
    getenv = cloud.environment(),
  })
  local found, message, code = client:get_object { Bucket = POINT, Key = "scan-1.txt" }

  return found and found.Body, message, code
end

local function access_role(account, external_id)
  return {
    arn = ("arn:aws:iam::%s:role/weir-storage-access-%s"):format(STORAGE, account),
    external_id = external_id,
  }
end

local function refused(what, caller, through)
  local text, message, code = read(caller, through)
  check(not text and code == "AccessDenied", "%s: %s %s", what, tostring(text), tostring(message))
  step("refused", what, "33")
end

-- The acts ----------------------------------------------------------------------------------------

local EVERYTHING = { Version = "2012-10-17",
  Statement = { { Effect = "Allow", Action = "*", Resource = "*" } } }

-- The roles to deploy in, which the operator may take; and one of an administrator of the files.
local function administrators()
  local roles = json.array {}
  for _, account in ipairs { STORAGE, SHARED, MAPS } do
    roles[#roles + 1] = {
      arn = ("arn:aws:iam::%s:role/deployer"):format(account),
      policies = json.array { EVERYTHING },
      trust = { Version = "2012-10-17", Statement = { { Effect = "Allow", Action = "sts:AssumeRole",
        Principal = { AWS = OPERATOR } } } },
    }
  end

  roles[#roles + 1] = { arn = ADMINISTRATOR, policies = json.array { EVERYTHING } }

  return roles
end

local function set_up()
  stacks.reset()
  files.write(directory .. "/estate.lua", ESTATE)
  files.write(directory .. "/layer.zip", "stands for the layer; ./dev layer builds the real one\n")
  files.write(directory .. "/code.zip", "stands for the functions' package\n")
  cloud.control("POST", "plain_buckets", json.array {
    "weir-artifacts-111122223333-eu-west-1", "weir-artifacts-222233334444-eu-west-1", "files" })
  cloud.control("POST", "access_points", json.array { { arn = POINT, bucket = "files" } })
  cloud.control("POST", "roles", { strict = true, roles = administrators(),
    caller = { arn = OPERATOR, policies = json.array { EVERYTHING } } })
  local s3 = cloud.client "s3"
  assert(s3:put_object { Bucket = "files", Key = "scan-1.txt", Body = PAGE })
end

local function deploy()
  title "An estate of four accounts: what would be deployed"
  weir({ "deploy plan" }, 1, headlines)

  title "Deployed, account by account"
  weir({ "deploy apply", flags = { "--yes" } }, 0, done)
  local left = stacks.left()
  check(not left:find "FAILED" and select(2, left:gsub("CREATE_COMPLETE", "")) == 13,
    "not everything is deployed: %s", left)

  title "Once more: nothing is left to do"
  weir({ "deploy plan" }, 0, nothing)
  step("plan", "nothing would change", "32")
end

local function files_of_another_account()
  title "The files of another account, through the access point"
  local text, message = read(discovery(SCANS), access_role(SCANS, EXTERNAL_IDS[SCANS]))
  check(text == PAGE, "the file was not read: %s", tostring(message))
  step("read", "scan-1.txt, by the function discovery of 111122223333, with its External ID", "32")

  refused("the same function, with another External ID", discovery(SCANS),
    access_role(SCANS, "scans-" .. ("0"):rep(24)))
  refused("the same function, without an External ID", discovery(SCANS), access_role(SCANS, nil))
  refused("the same function, with the External ID of 222233334444", discovery(SCANS),
    access_role(SCANS, EXTERNAL_IDS[MAPS]))
  refused("the function of 222233334444, in the role of 111122223333", discovery(MAPS),
    access_role(SCANS, EXTERNAL_IDS[SCANS]))
  refused("the function itself, without the role", discovery(SCANS))
  refused("an administrator of the account of the files", ADMINISTRATOR)
end

local function look()
  title "Looked at"
  local result = weir({ "doctor" }, 5, nothing)
  local count = {}
  for line in result.stdout:gmatch "[^\n]+" do
    local outcome, name = line:match "^(%l[%l ]-)%s%s+(%l[%l ]-)  "
    if outcome == "wrong" then error("doctor: " .. line, 0) end
    if outcome then
      count[name] = count[name] or { ok = 0, ["cannot tell"] = 0 }
      count[name][outcome] = count[name][outcome] + 1
    end
  end

  for _, name in ipairs {
    "identity", "clock", "role", "stack", "table", "rule", "schedule", "state machine", "layer",
    "policies", "access policy", "access point",
  } do
    local found = count[name] or { ok = 0, ["cannot tell"] = 0 }
    step("doctor", ("%-14s %d ok%s"):format(name, found.ok, found["cannot tell"] > 0
      and (", %d that only a function's role can tell"):format(found["cannot tell"]) or ""))
  end
end

local function clean_up()
  title "Cleaned up"
  weir({ "cleanup" }, 1, headlines)
  weir({ "cleanup", flags = { "--live", "--yes", "--logs" } }, 0, done)
  check(stacks.left() == "", "stacks are left: %s", stacks.left())
  weir({ "cleanup" }, 0, headlines)

  refused("and the function that read the file", discovery(SCANS),
    access_role(SCANS, EXTERNAL_IDS[SCANS]))
end

local function check_secrecy()
  local text = table.concat(printed, "\n")
  for _, id in pairs(EXTERNAL_IDS) do
    check(not text:find(id, 1, true), "an External ID was printed")
  end

  step("secrecy", "no External ID in what was printed above", "32")
end

local ok, problem = pcall(function()
  set_up()
  deploy()
  files_of_another_account()
  look()
  clean_up()
  check_secrecy()
end)
if not ok then
  say("\n%s: %s", paint("31", "demo-estate failed"), tostring(problem))
  os.exit(1)
end

say("\nNext: deploy/README.md leads from nothing to a running system, in your accounts.")
