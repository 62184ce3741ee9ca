-- Mistakes that people make in policies, each with the code and the line of its finding, although
-- no example meets it. Each is the body of a decide function (its first line is line 10), checked
-- as weir check does, from loading on; the text after => is part of the message or of the hint.
local check = require "weir.cli.check"
local lint = require "weir.lint"
local run = require "support.run"

local HEAD = [[
return policy {
  kind = "%s",
  params = {
    threshold = integer { 10, min = 1, doc = "files" },
    mode = choice { "fast", values = { "fast", "cheap" }, doc = "which" },
    name = text { "x", doc = "a name" },
  },
  decide = function(facts, params)
    local _ = { params.threshold, params.mode, params.name }
]]
local TAIL = "\n  end,\n}\n"
local B = 'return batch { because = "x" }'

-- { body, "CODE LINE", part of the message or hint[, kind] }
local MISTAKES = {
  -- Names
  { "if facts.file_cuont > 3 then B end B", "W101 10", "file_count" },
  { "if facts.fileCount > 3 then B end B", "W101 10", "did you mean 'file_count'?" },
  { "local f = facts\nif f.bytes then B end B", "W101 11", "'f.bytes'" },
  { "if facts.variants[1].nmae then error('x') end error('y')",
    "W101 10", "did you mean 'name'?", "weights" },
  { "local v = facts.variants[1]\nif v.wieght then error('x') end error('y')",
    "W101 11", "weight", "weights" },
  { "if facts.variants[#facts.variants].stag then error('x') end error('y')",
    "W101 10", "stage", "weights" },
  { "if params.treshold > 3 then B end B", "W102 10", "did you mean 'threshold'?" },
  { "local p = params\nif p.Mode then B end B", "W102 11", "did you mean 'mode'?" },
  { "if facts.volume == null then B end B", "W103 10", "write nil" },
  { "if facts.volume == None then B end B", "W103 10", "write nil" },
  { "if facts.volume == undefined then B end B", "W103 10", "write nil" },
  { "if params.threshold > 3 and True then B end B", "W103 10", "write true" },
  { "print(facts.file_count) B", "W103 10", "because" },
  { "if len(params.name) > 3 then B end B", "W103 10", "#x" },
  { "if min(3, 4) > 3 then B end B", "W103 10", "math.min" },
  { "if round(3.5) > 3 then B end B", "W103 10", "math.floor" },
  { "if os.time() > 3 then B end B", "W103 10", "clock" },
  { "n = 5 B", "W104 10", "local n" },
  { "for i = 1, 3 do\nn = i end B", "W104 11", "local n" },
  { "if math.random() > 3 then B end B", "W105 10", "same facts" },
  { "if string.length(params.name) > 3 then B end B", "W105 10", "string.length" },
  { "return hold { needs = 'x', because = 'x' }", "W106 10", "routing decides" },
  -- Decisions
  { "return batch {}", "W107 10", "because" },
  { "return batch { because = '' }", "W107 10", "because" },
  { "return batch { becuase = 'x', because = 'y' }", "W108 10", "did you mean 'because'?" },
  { "return batch { because = 5 }", "W108 10", "must be a text" },
  { "return batch { because = facts.file_count }", "W108 10", "must be a text" },
  { "return batch { because = true }", "W108 10", "must be a text" },
  { "return batch { because = { 'x' } }", "W108 10", "must be a text" },
  { "return weights { weights = { blue = '0.5' }, because = 'x' }",
    "W108 10", "write 0.5 without quotes", "weights" },
  { "return weights {\nweights = { blue = 1.5 },\nbecause = 'x' }",
    "W108 11", "1 or less", "weights" },
  { "return weights { weights = { blue = -0.5 }, because = 'x' }",
    "W108 10", "0 or more", "weights" },
  { "return weights { blue = '0.5', because = 'x' }", "W108 10", "no field 'blue'", "weights" },
  { "return weights { weights = 0.5, because = 'x' }", "W108 10", "must be a table", "weights" },
  { "return assign { variant = 'a', bucket = '7', because = 'x' }",
    "W108 10", "write 7 without quotes", "weights" },
  { "return assign { variant = 'a', bucket = 7.5, because = 'x' }",
    "W108 10", "a whole number", "weights" },
  { "return assign { variant = 3, bucket = 7, because = 'x' }",
    "W108 10", "must be a text", "weights" },
  { "return assign { variant = 'a', because = 'x' }", "W108 10", "has no bucket", "weights" },
  { "return hold { needs = '', because = 'x' }", "W108 10", "not empty", "promotion" },
  { "return hold { needs = 5, because = 'x' }", "W108 10", "must be a text", "promotion" },
  { "return hold { needs = 'x', requests = 'many', because = 'x' }",
    "W108 10", "must be a number", "promotion" },
  { "return ramp { variant = 'b', weight = 25, because = 'x' }",
    "W108 10", "1 or less", "promotion" },
  { "return job { work = 'transform', source = 'sagemaker', idempotency_key = 'k', status = "
    .. "'Faild', because = 'x' }",
    "W108 10",
    "Completed, Failed, Stopped", "mapping" },
  { "facts.file_count = 5 B", "W109 10", "cannot be changed" },
  { "if facts.inference_type == 'serverles' then B end B", "W110 10", "serverless" },
  { "if params.mode == 'slow' then B end B", "W110 10", "fast" },
  { "if 'Inservice' == facts.endpoint_status then B end B", "W110 10", "InService" },
  -- Formats
  { "return batch { because = '%d files' }", "W111 10", "asks for 1 value and gets 0" },
  { "return batch { because = '%d of %d', 1 }", "W111 10", "asks for 2 values and gets 1" },
  { "return batch { because = '%d', 1, 2 }", "W111 10", "gets 2" },
  { "return batch { because = '%y', 1 }", "W111 10", "not a directive" },
  { "return batch { because = ('%d'):format() }", "W111 10", "asks for 1 value" },
  { "return batch {\nbecause = string.format('%d files') }", "W111 11", "asks for 1 value" },
  { "local f = '%s %s'\nreturn batch { because = f:format(1) }", "W111 11", "asks for 2 values" },
  { "return batch { because = string.format('%d', 'x') }", "W111 10", "whole number" },
  { "return batch { because = '%d', params.name }", "W111 10", "whole number" },
  { "return batch { because = '%d', 2.5 }", "W111 10", "a fraction" },
  { "return batch { because = '%d', facts.file_count / 3 }", "W111 10", "divide with //" },
  { "return batch { because = '%.1f', facts.file_count > 3 }", "W111 10", "a number" },
  { "return batch { because = '%g', {} }", "W111 10", "a table" },
  { "return batch { because = string.format('100%') }", "W111 10", "write %% for a percent sign" },
  { "return 'batch'", "W112 10", "return batch" },
  { "if facts.file_count > 3 then return nil end B", "W112 10", "nil" },
  { "if facts.file_count > 3 then return end B", "W112 10", "nothing" },
  { "return true", "W112 10", "true" },
  -- Values of different types
  { "if facts.file_count < '10' then B end B", "W113 10", "write 10 without quotes" },
  { "if '10' >= facts.file_count then B end B", "W113 10", "write 10 without quotes" },
  { "if params.threshold == '5' then B end B", "W113 10", "never equal" },
  { "if '5' ~= params.threshold then B end B", "W113 10", "always different" },
  { "local n = facts.file_count\nif n == '5' then B end B", "W113 11", "'n' (a number)" },
  { "if params.name == 5 then B end B", "W113 10", "a text" },
  { "if params.name > 5 then B end B", "W113 10", "cannot be compared" },
  { "if facts.file_count == true then B end B", "W113 10", "a flag is tested as it is" },
  { "if #params.name > '3' then B end B", "W113 10", "without quotes" },
  { "if tostring(facts.file_count) < 10 then B end B", "W113 10", "cannot be compared" },
  { "if facts.file_count < nil then B end B", "W113 10", "cannot be compared" },
  { "if {} < {} then B end B", "W113 10", "cannot be compared" },
  { "return batch { because = 'files: ' + facts.file_count }", "W113 10", "joined with .." },
  { "if params.name * 2 > 3 then B end B", "W113 10", "tonumber" },
  { "if -{} then B end B", "W113 10", "needs numbers" },
  { "return batch { because = 'x' .. (facts.file_count > 3) }", "W113 10", "tostring" },
  { "return batch { because = 'x' .. {} }", "W113 10", "joins" },
  { "if #facts.file_count > 3 then B end B", "W113 10", "counts" },
  { "if math.max(facts.file_count, params.name) > 3 then B end B", "W113 10", "math.max takes" },
  { "if math.floor(facts.file_count > 3) then B end B", "W113 10", "true or false" },
  { "if string.upper(params) == 'X' then B end B", "W113 10", "takes a text" },
  { "if params.name.length > 3 then B end B", "W113 10", "write #params.name" },
  { "if facts.file_count.value > 3 then B end B", "W113 10", "has no fields" },
  { "if params.threshold[1] > 3 then B end B", "W113 10", "'params.threshold' (a number)" },
  { "if params.threshold() > 3 then B end B", "W113 10", "not a function" },
  { "if facts.file_count() > 3 then B end B", "W113 10", "not a function" },
  { "if params:threshold() > 3 then B end B", "W113 10", "write params.threshold" },
  { "return batch { because = '%d ' .. 'files' }", "W111 10", "asks for 1 value" },
  { "local why = '%d of '\nreturn batch { because = why .. '%d', 1 }", "W111 11", "2 values" },
  -- A decision thrown away
  { "if facts.file_count > 3 then\nbatch { because = 'y' } end B",
    "W014 11", "write return batch" },
  -- Facts that may be absent
  { "if facts.total_bytes > 5 then B end B", "W205 10", "facts.total_bytes" },
  { "if 5 < facts.total_bytes then B end B", "W205 10", "compares" },
  { "return batch { because = '%d', facts.total_bytes }", "W205 10", "writes as a number" },
  { "local n = facts.total_bytes\nreturn batch { because = '%s', n + 1 }",
    "W205 11", "calculates with 'n'" },
  { "return batch { because = 'on ' .. facts.volume }", "W205 10", "joins" },
  { "if #facts.prefix > 3 then B end B", "W205 10", "counts" },
  { "if #facts.prefix > 3 then B end B", "W205 10", '(facts.prefix or "")' },
  { "if facts.total_bytes & 1 == 1 then B end B", "W205 10", "calculates with" },
  { "if 1 << facts.total_bytes > 3 then B end B", "W205 10", "calculates with" },
  { "if facts.total_bytes | 1 ~ 2 > 3 then B end B", "W205 10", "calculates with" },
  { "if math.floor(facts.total_bytes) > 3 then B end B", "W205 10", "gives math.floor" },
  { "if math.max(3, 4, facts.total_bytes) > 3 then B end B", "W205 10", "gives math.max" },
  { "if string.upper(facts.volume) == 'X' then B end B", "W205 10", "gives string.upper" },
  { "if string.find(params.name, facts.prefix) then B end B", "W205 10", "gives string.find" },
  { "if params.name:find(facts.prefix, 1, true) then B end B", "W205 10", "gives find" },
  { "if ('x'):rep(facts.total_bytes) == 'xx' then B end B", "W205 10", "gives rep" },
  { "local n = {}\nn[facts.volume] = 1 B", "W205 11", "uses as a key" },
  { "local function big(n)\nreturn n > 3 end if big(facts.total_bytes) then B end B",
    "W205 11", "compares 'n', which may be absent" },
  { "if facts.prefix:sub(1, 1) == 'a' then B end B", "W205 10", "method" },
  { "if facts.total_bytes then B end\nreturn batch { because = '%d', facts.total_bytes }",
    "W205 11", "absent" },
  { "if facts.deadline_seconds == 60 then B end\nif facts.deadline_seconds < 9 then B end B",
    "W205 11", "absent" },
  { "if facts.total_bytes or\nfacts.total_bytes > 1 then B end B", "W205 11", "absent" },
  { "for i = 1, facts.total_bytes do B end B", "W205 10", "counts with" },
  { "if facts.evidence.confidence == 5 then error('x') end error('y')",
    "W205 10", "looks into", "promotion" },
  { "for _, h in ipairs(facts.history) do if h.at == 5 then error('x') end end error('y')",
    "W205 10",
    "goes through", "promotion" },
  { "for _, v in ipairs(facts.variants) do\nif v.weight > 2 then error('x') end end error('y')",
    "W205 11",
    "v.weight", "weights" },
  { "if facts.file_count > 3 then B end", "W202 11", "without a decision" },
  -- Other languages
  { "if facts.file_count != 3 then B end B", "W003 10", "write ~=" },
  { "if facts.file_count <> 3 then B end B", "W003 10", "write ~=" },
  { "if facts.file_count = 3 then B end B", "W003 10", "write ==" },
  { "if facts.file_count === 3 then B end B", "W003 10", "write ==" },
  { "if facts.volume =~ 'x' then B end B", "W003 10", "write ~=" },
  { "if facts.file_count =< 3 then B end B", "W003 10", "write <=" },
  { "if facts.file_count => 3 then B end B", "W003 10", "write >=" },
  { "if facts.volume\nand facts.file_count = 3\nthen B end B", "W003 11", "write ==" },
  { "return facts.file_count = 3", "W003 10", "write ==" },
  { "local same = facts.file_count = 3 B", "W003 10", "write ==" },
  { "if facts.volume AND params.name then B end B", "W003 10", "write and in small letters" },
  { "If facts.volume then B end B", "W003 10", "write if in small letters" },
  { "if facts.volume then Return x end B", "W003 10", "write return in small letters" },
  { "if facts.volume in params.name then B end B", "W003 10", "no 'in' for conditions" },
  { "if facts.volume not in params.name then B end B", "W003 10", "no 'in' for conditions" },
  { "if (facts.volume) { return 1 } B", "W003 10", "no braces" },
  { "if facts.file_count > 1,000 then B end B", "W003 10", "without commas" },
  { "if facts.file_count > 50% then B end B", "W003 10", "write 0.5" },
  { "local n = 1\n// a comment\nB", "W003 12", "comments begin with --: see line 11" },
  { "\u{feff}B", "W003 10", "byte-order mark" },
  { "if facts.volume && params.name then B end B", "W003 10", "write and" },
  { "if facts.volume || params.name then B end B", "W003 10", "write or" },
  { "if !facts.volume then B end B", "W003 10", "write not x" },
  { "local n = 1\nn += 1 B", "W003 11", "write x = x + y" },
  { "local n = 1\nn -= 1 B", "W003 11", "write x = x - y" },
  { "local n = 'a'\nn ..= 'b' B", "W003 11", "write x = x .. y" },
  { "local n = 1\nn++ B", "W003 11", "write x = x + 1" },
  { "if facts.volume then B\nelif params.name then B end B", "W003 11", "write elseif" },
  { "if facts.volume then B\nelse if params.name then B\nend B", "W003", "write elseif" },
  { "local x = facts.volume ? 1 : 2 B", "W003 10", "and a or b" },
  { "let x = 5 B", "W003 10", "write local" },
  { "local x = { a: 1 } B", "W003 10", "name = value" },
  { "do // why\nend B", "W003 10", "comments begin with --" },
  { "# why\nB", "W003 10", "comments begin with --" },
  { "for (i = 0; i < 5; i++) { B }", "W003 10", "ipairs" },
  { "if (facts.volume) {\nB }", "W003", "" },
  { "if facts.volume B end B", "W003 10", "write then" },
  { "local s = “text” B", "W003 10", "straight quotes" },
  { "for i = 1, 3 do\ncontinue\nend B", "W003", "" },
  { "try {\nB }", "W003", "" },
}

describe("weir check finds", function()
  local folder
  setup(function() folder = run.directory() end)
  teardown(function() run.remove(folder) end)

  local function findings(text)
    local path = folder .. "/routing.lua"
    run.write(path, text)
    local result = check.set(folder)
    for _, finding in ipairs(result.findings) do lint.explain(text, finding) end

    return result.findings
  end

  for i, case in ipairs(MISTAKES) do
    local body, expected, part, kind = table.unpack(case, 1, 4)
    it(("mistake %d, %s: %s"):format(i, expected, body:gsub("\n", " "):sub(1, 60)), function()
      local text = HEAD:format(kind or "routing") .. body:gsub("%f[%w]B%f[%W]", B) .. TAIL
      local seen, found = {}, nil
      for _, finding in ipairs(findings(text)) do
        local place = ("%s %d"):format(finding.code, finding.line)
        seen[#seen + 1] = ("%s %s | %s"):format(place, finding.message, finding.hint)
        local said = finding.message .. "\n" .. (finding.hint or "")
        if place:find("^" .. expected) and said:find(part, 1, true) then
          found = (found or 0) + 1
        end
      end

      assert.equal(1, found, table.concat(seen, "\n"))
    end)
  end

  it("a byte-order mark, and what other editors put in", function()
    for text, part in pairs {
      ["\xef\xbb\xbfreturn policy {}"] = "byte-order mark",
      ["return policy { kind\u{a0}= 'routing' }"] = "no-break space",
      ["return policy { kind = \u{201c}routing\u{201d} }"] = "straight quotes",
      ["return policy { kind = 'routing'\n  decide = 5 }"] = "is a comma missing before 'decide'?",
      ["return policy { kind = 'routing"] = "close the quote",
      ["return policy { kind = 10k }"] = "a number is digits",
      ["local function f()\n  return 1\n"] = "the 'function' of line 1 is not closed",
      ["return policy {\n  decide = function()\n    if x then return 1\n  end,\n}"] =
        "an end is missing",
      ["return policy { kind = 'routing', decide = function() return 1 end end }"] =
        "is a comma missing",
    } do
      local first = findings(text)[1]
      assert.equal("W003", first.code)
      assert.matches(part, first.hint or "", 1, true)
    end
  end)

  it("a default of the wrong type, in words", function()
    for spec, part in pairs {
      ['integer { "10" }'] = "write integer { 10, … } without quotes",
      ['number { "0.5" }'] = "write number { 0.5, … } without quotes",
      ["text { 5 }"] = 'write text { "5", … } with quotes',
      ['flag { "true" }'] = "the default must be true or false, and is a text",
      ["integer { 0.5 }"] = "the default must be a whole number, and is a fraction",
    } do
      local text = ("return policy {\n kind = 'routing',\n params = { a = %s },\n decide = "
        .. "function() end }")
        :format(spec)
      local first = findings(text)[1]
      assert.equal("W004 3", ("%s %d"):format(first.code, first.line))
      assert.matches(part, first.message, 1, true)
    end
  end)

  it("a decision thrown away once, with its column, and lets one be kept", function()
    local function found(body)
      local list = {}
      for _, finding in ipairs(findings(HEAD:format("routing") .. body .. " " .. B .. TAIL)) do
        if finding.code ~= "W201" then
          list[#list + 1] = ("%s %d:%d"):format(finding.code, finding.line, finding.column)
        end
      end

      return table.concat(list, ", ")
    end

    assert.equal("W014 10:4", found("do batch { because = 'x' } end"))
    assert.equal("W014 11:3", found("local b = batch\n  b { because = 'x' }"))
    assert.equal("", found("local _ = batch { because = 'x' }"))
    assert.equal("", found("local one, two = batch { because = 'x' }, realtime { because = 'y' } "
      .. "if one then return two end"))
  end)
end)
