-- Does what a verb prints with --json fit the schema that documents it? Asked of ajv (npm).
--
--   json_schema.check("docs/json/test.schema.json", text) → true | nil, what does not fit
--       text: one JSON value, or one a line with lines = true
local files = require "support.files"

local json_schema = {}

local SCRIPT = [[
const Ajv = require("ajv/dist/2020");
const formats = require("ajv-formats");
const { readFileSync } = require("fs");
const [schema, data, lines] = process.argv.slice(1);
const ajv = new Ajv({ strict: true, allErrors: true });
formats(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
const text = readFileSync(data, "utf8");
const values = lines ? text.split("\n").filter((line) => line) : [text];
if (!values.length) throw new Error("there is nothing to check");
for (const value of values)
  if (!validate(JSON.parse(value))) {
    console.log(JSON.stringify(validate.errors, null, 1));
    process.exit(1);
  }
]]

function json_schema.check(schema, text, options)
  local path = files.write(os.tmpname(), text)
  local root = assert(os.getenv("PWD"))
  local command = ("cd tests && node -e %s %s %s %s 2>&1"):format(files.quote(SCRIPT),
    files.quote(root .. "/" .. schema), path, options and options.lines and "lines" or "")
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  if ok then return true end

  return nil, output
end

return json_schema
