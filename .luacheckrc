std = "lua54"
max_line_length = 100
-- A line inside of a text is as long as what it shows.
max_string_line_length = 120
exclude_files = { "build", "tests/node_modules" }
files["tests/**/*_spec.lua"] = { std = "+busted" }
-- What a policy may say: its language is described in docs/policy-language.md.
local policies = {
  std = "none",
  read_globals = {
    "assert", "error", "ipairs", "next", "pairs", "pcall", "require", "select", "tonumber", "tostring", "type",
    "math", "string", "table", "utf8",
    "policy", "integer", "number", "text", "flag", "choice",
    "realtime", "batch", "serverless", "components",
    "weights", "assign", "promote", "ramp", "hold", "rollback", "job", "ignore",
    "accept", "manual_review",
  },
}
files["policies/**/*.lua"] = policies
files["tests/determinism/**/*.lua"] = policies
