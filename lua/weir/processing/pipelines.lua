-- The pipelines for objects, by the `work` of a job. `object` is the catalogue that comes with
-- weir; any other is the file pipelines/NAME.lua of the function's package, which returns a table:
--
--   run = function(object, ask, effects) → { documents = { word → table or bytes },
--                                            result = { status = text, … }, decided_ms =? }
--         object: weir.processing.source_object; failures are raised with weir.try, not answered
--         as the status FAILED
--   FINAL = { Code = true }     failures that the same bytes will always have; may be absent
--
--   pipelines.find(work) → pipeline | nil, message, code
local files = require "weir.files"

local pipelines = {}

local OWN = { object = "weir.processing.catalogue" }

local loaded = {}

local function unknown(work, path)
  return nil, ("there is no pipeline '%s'; it would be %s in the function's package"):format(work,
    path), "UnknownWork"
end

local function load_file(work, path)
  local chunk, message = loadfile(path, "t")
  if not chunk then return nil, message, "PipelineError" end
  local pipeline = chunk("pipelines." .. work)
  if type(pipeline) == "table" and type(pipeline.run) == "function" then return pipeline end

  return nil, ("%s does not return a table with a function 'run'"):format(path), "PipelineError"
end

function pipelines.find(work)
  if OWN[work] then return require(OWN[work]) end
  if loaded[work] then return loaded[work] end
  if not work:find("^[%a_][%w_%-]*$") then return unknown(work, "a file named by a word") end

  local path = ("%s/pipelines/%s.lua"):format(os.getenv "LAMBDA_TASK_ROOT" or ".", work)
  if not files.stat(path) then return unknown(work, path) end
  local message, code
  loaded[work], message, code = load_file(work, path)

  return loaded[work], message, code
end

return pipelines
