-- W0xx: what loading and verifying a policy set finds (host/policy_files, policy_sandbox,
-- policy_verify).
local routing = require("weir.findings.example").routing

local GOOD = routing('return batch { because = "%d files", facts.file_count }')

return {
  {
    code = "W001", severity = "error", title = "a file or directory cannot be read",
    meaning = "The directory does not exist, is not a directory, changed while it was read, or permission to read "
      .. "it or a file in it is missing.",
    remedy = "Check the path and its permissions (ls -l), then check again.",
  },
  {
    code = "W002", severity = "error", title = "a file is not a Lua text, or is too large",
    meaning = "Policies are UTF-8 text. Precompiled Lua is refused because it can break out of any sandbox; very "
      .. "large files are refused because no reviewer can read them.",
    remedy = "Put the source into the directory; move data that is not policy elsewhere.",
  },
  {
    code = "W003", severity = "error", title = "a syntax error",
    meaning = "Lua cannot compile the file. The place is where Lua gave up, which can be a line or more after the "
      .. "mistake.",
    bad = 'return policy {\n  kind = "routing"\n  decide = function(facts)\n    return batch { because = "always" }\n  end,\n}\n',
    good = 'return policy {\n  kind = "routing",\n  decide = function(facts)\n    return batch { because = "always" }\n  end,\n}\n',
    remedy = "Look for a missing comma, 'then', 'end' or quote at that line or just before it.",
  },
  {
    code = "W004", severity = "error", title = "an error while the file was loaded",
    meaning = "The file compiles, but running it to get at the policy failed.",
    bad = 'local limit = 10 + nil\n\n' .. GOOD,
    good = 'local limit = 10\n\n' .. GOOD:gsub("facts%.file_count", "limit"),
    remedy = "Mend the line the message names.",
  },
  {
    code = "W005", severity = "error", title = "the file does not return a policy of the right shape",
    meaning = "A policy file ends with return policy { kind = …, decide = function(facts, params) … end }, and "
      .. "has no other keys than name, doc, params and examples.",
    bad = GOOD:gsub("decide", "decided"),
    good = GOOD,
    remedy = "Correct the key or the value the message names. Files that policies only require may return anything.",
  },
  {
    code = "W006", severity = "error", title = "a parameter is not right",
    meaning = "A default or an override is outside the parameter's own bounds, or of another type.",
    bad = routing('if facts.file_count < params.threshold then\n  return realtime { because = "few files" }\nend\n'
      .. 'return batch { because = "many files" }', 'threshold = integer { 0, min = 1, max = 1000, doc = "files" },'),
    good = routing('if facts.file_count < params.threshold then\n  return realtime { because = "few files" }\nend\n'
      .. 'return batch { because = "many files" }', 'threshold = integer { 10, min = 1, max = 1000, doc = "files" },'),
    remedy = "Bring the value inside the bounds, or change the bounds.",
  },
  {
    code = "W007", severity = "error", title = "one of the policy's examples fails",
    meaning = "The policy does not decide its own example as expected, so it never becomes active: either the rule "
      .. "or the example is wrong.",
    bad = GOOD:gsub("\n}\n$", '\n  examples = {\n    { given = { file_count = 3 }, expect = "realtime" },\n  },\n}\n'),
    good = GOOD:gsub("\n}\n$", '\n  examples = {\n    { given = { file_count = 3 }, expect = "batch" },\n  },\n}\n'),
    remedy = "Compare what was expected with what was decided and why; change the one that is wrong.",
  },
  {
    code = "W008", severity = "error", title = "a decision breaks an invariant of its kind",
    meaning = "Some decisions are refused whatever a policy says: a share of traffic that is not a number, real-time "
      .. "inference without an endpoint in service, the promotion of a model nobody approved.",
    bad = routing('return realtime { because = "always" }'):gsub("\n}\n$",
      '\n  examples = {\n    { given = { file_count = 3, inference_type = "none" }, expect = "realtime" },\n  },\n}\n'),
    good = routing('if facts.inference_type == "none" then\n  return batch { because = "there is no endpoint" }\nend\n'
      .. 'return realtime { because = "there is one" }'):gsub("\n}\n$",
      '\n  examples = {\n    { given = { file_count = 3, inference_type = "none" }, expect = "batch" },\n  },\n}\n'),
    remedy = "Decide otherwise for such facts; docs/kinds/ lists each kind's invariants.",
  },
  {
    code = "W009", severity = "error", title = "the policy keeps state between decisions",
    meaning = "The same facts gave another decision the second time: something outside decide was changed by it. "
      .. "Such a policy cannot be replayed.",
    bad = 'local seen = { count = 0 }\n\n' .. routing('seen.count = seen.count + 1\n'
      .. 'return batch { because = "decision number %d", seen.count }'):gsub("\n}\n$",
      '\n  examples = {\n    { given = { file_count = 3 }, expect = "batch" },\n  },\n}\n'),
    good = GOOD,
    remedy = "Keep everything that changes in locals of decide.",
  },
  {
    code = "W010", severity = "error", title = "two policies of one kind",
    meaning = "The kind chooses the policy, so a directory holds at most one of each.",
    remedy = "Remove one of the files, move it to another directory, or make it a helper that the other one requires.",
  },
  {
    code = "W011", severity = "error", title = "the budget is spent",
    meaning = "Loading, or deciding an example, took more instructions or memory than a policy may use.",
    bad = routing('while true do end\n' .. 'return batch { because = "at last" }'):gsub("\n}\n$",
      '\n  examples = {\n    { given = { file_count = 3 }, expect = "batch" },\n  },\n}\n'),
    good = GOOD,
    remedy = "Look for a loop that never ends, or for work that grows with the size of the facts.",
  },
  {
    code = "W012", severity = "error", title = "a module that is not in the policy directory",
    meaning = "require finds the policy directory's own files only, by their names without .lua.",
    bad = 'local sizes = require "sizes"\n\n' .. GOOD,
    good = GOOD,
    remedy = "Put the helper beside the policy, and name it without directories or dots.",
  },
}
