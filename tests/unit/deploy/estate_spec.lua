-- Estate files: read as data, and refused with a place.
local estate = require "weir.deploy.estate"

local GOOD = [[
-- Two accounts.
local prefix = "arn:aws:iam::"

return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = {
    { id = "444455556666", kind = "storage", role = { arn = prefix .. "444455556666:role/d" } },
    { id = "111122223333", kind = "workload", external_id = "0123456789abcdef",
      parameters = { core = { RoutingThreshold = -(-10), SubnetIds = { "a", "b" } } } },
  },
}
]]

-- "line:column code message" of each finding of GOOD with one text replaced by another
local function findings_of(old, new)
  local first, last = GOOD:find(old, 1, true)
  local text = GOOD:sub(1, assert(first, old) - 1) .. new .. GOOD:sub(last + 1)
  local value, findings = estate.read(text, "estate.lua")
  if value then return {} end
  local lines = {}
  for i, each in ipairs(findings) do
    assert.equal("estate.lua", each.file)
    lines[i] = ("%d:%d %s %s"):format(each.line, each.column, each.code, each.message)
  end

  return lines
end

describe("an estate file", function()
  it("is data, with names for values", function()
    local value, where = assert(estate.read(GOOD, "estate.lua"))
    assert.equal("arn:aws:iam::444455556666:role/d", value.accounts[1].role.arn)
    assert.equal(10, value.accounts[2].parameters.core.RoutingThreshold)
    local at = where(value.accounts[2].parameters.core, "SubnetIds")
    assert.same({ 10, 58 }, { at.line, at.column })
  end)

  local CASES = {
    -- code that acts, or that is none
    { '"weir"', 'os.getenv("USER")', "5:10 W301 a call" },
    { '"weir"', "function() end", "5:10 W301 a function" },
    { '"weir"', "nil", "5:10 W301 nil" },
    { '"weir"', "name", "5:10 W301 'name' is not a local" },
    { '"weir"', "prefix.x", "5:10 W301 a field of something else" },
    { '"weir"', "1 + 1", "5:12 W301 the operator '+'" },
    { "local prefix", "while true do end\nlocal prefix", "2:1 W301 a statement that acts" },
    { "return {", "return {{", "13:0 W301 '}' expected" },
    { "return {", "local t = {", "1:0 W302 the file returns nothing" },
    { "-- Two accounts.", "\239\187\191-- ", "1:0 W301 the file begins with a byte order mark" },
    { '"weir"', '"we" .. 1', "5:15 W301 '..' of what is not a text" },
    { '"weir"', '#"weir"', "5:10 W301 the operator '#'" },
    { "local prefix", "x = 1\nlocal prefix", "2:1 W301 a statement that acts" },
    -- shape
    {
      "regions =",
      "region =",
      "6:3 W302 unknown key 'region' in estate",
      "4:8 W302 regions is missing in estate",
    },
    {
      'kind = "storage"',
      'kind = "store"',
      '8:35 W302 kind must be "storage", "shared" or "workload"',
    },
    { 'id = "444455556666"', "id = 444455556666", "8:12 W302 id must be an account of 12 digits" },
    { '"eu-west-1"', '"Ireland"', "6:15 W302 regions: this is not one of the regions" },
    { '"eu-west-1"', '"eu-wset-1"', "6:15 W302 regions: this is not one of the regions" },
    { '"eu-west-1"', '"eu-west-1a"', "6:15 W302 regions: this is not one of the regions" },
    { '"eu-west-1"', '"eu-west-01"', "6:15 W302 regions: this is not one of the regions" },
    { '"eu-west-1"', '"xx-west-1"', "6:15 W302 regions: this is not one of the regions" },
    {
      'name = "weir",',
      'name = "weir", features = { "EnableBatch" },',
      "5:31 W302 features: this is not one of the features",
    },
    {
      "RoutingThreshold = -(-10)",
      "RoutingThreshold = 1e999",
      "10:50 W302 RoutingThreshold must be a number of at most 14 digits, or in quotes",
    },
    {
      "RoutingThreshold = -(-10)",
      "RoutingThreshold = 0.123456789012345678",
      "10:50 W302 RoutingThreshold must be a number of at most 14 digits",
    },
    { 'name = "weir",', 'name = "weir", name = "w",', "5:18 W302 'name' is given twice" },
    { "core =", "cores =", "10:22 W302 there is no template 'cores'" },
    {
      "RoutingThreshold = -(-10)",
      "RoutingThreshold = { a = 1 }",
      "10:50 W302 RoutingThreshold must be",
    },
    { '"0123456789abcdef"', '"short"', "9:61 W302 external_id must be at least 16" },
    {
      'kind = "workload"',
      'kind = "workload", stacks = { "storage" }',
      "W302 stacks: this is not one of the",
    },
    {
      'name = "weir",',
      'name = "weir", artifacts = { layer = "l.zip" },',
      "5:30 W302 bucket is missing in artifacts",
    },
    {
      'name = "weir",',
      'name = "weir", artifacts = { bucket = "weir-{account}-{regions}" },',
      "5:41 W302 bucket must be a bucket's name, in which {account} and {region} may stand",
    },
    {
      'name = "weir",',
      'name = "weir", artifacts = { bucket = "weir-{account}", Layer = "l.zip" },',
      "W302 unknown key 'Layer' in artifacts",
    },
    { 'name = "weir",', 'name = "weir", artifacts = "b",', "W302 artifacts must be { bucket" },
    {
      'name = "weir",',
      'name = "weir", prices = { ["ml.m5.large"] = -1 },',
      "5:47 W302 ml.m5.large must be a price in dollars",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["ml.m5,large"] = 1 },',
      "5:30 W302 nothing here has the price 'ml.m5,large'",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["eu-west-1"] = { ["ml.m5.large"] = "1" } },',
      "5:65 W302 ml.m5.large must be a price in dollars",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["eu-west-1"] = { Alarm = 1 } },',
      "W302 nothing here has the price 'Alarm'",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["eu-west-1"] = 1 },',
      "W302 nothing here has the price 'eu-west-1'",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "444455556666", templates = { "storage" } },',
      "W302 templates: this is not one of the templates of workload accounts: boundary, tokens",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "444455556666", templates = {}, model = "MANAGED" },',
      'W302 model must be "SELF_MANAGED" or "SERVICE_MANAGED"',
    },
    { 'name = "weir"', 'name = "w"', "5:10 W302 name must be up to 16 lower-case letters, digits" },
    { '{ "eu-west-1" }', "{}", "6:13 W302 regions must be a list of regions" },
    {
      '{ "eu-west-1" }',
      '{ "eu-west-1", "eu-west-1" }',
      "6:28 W302 regions: 'eu-west-1' is in the list twice",
    },
    {
      'kind = "storage"',
      'kind = "storage", stacks = { "storage", "storage" }',
      "W302 stacks: 'storage' is in the list twice",
    },
    { '{ "a", "b" }', '{ "a", {} }', "10:70 W302 SubnetIds must be a text, a number, true" },
    {
      '"0123456789abcdef"',
      '"' .. ("a"):rep(1225) .. '"',
      "9:61 W302 external_id must be at least 16 letters, digits and +=,.@:/_-, at most 1224",
    },
    {
      'role = { arn = prefix .. "444455556666:role/d" }',
      'role = { arn = "arn:aws:iam::444455556666:role/d", external_id = "a b" }',
      "W302 external_id must be 2 to 1224 letters",
    },
    {
      'role = { arn = prefix .. "444455556666:role/d" }',
      'role = { arn = "arn:aws:iam::444455556666:role/d", externalid = "a b" }',
      "W302 unknown key 'externalid' in role",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["ml.m5.large"] = 1e999 },',
      "W302 ml.m5.large must be a price in dollars",
    },
    {
      'name = "weir",',
      'name = "weir", prices = { ["eu-west-1"] = { ["eu-west-2"] = {} } },',
      "W302 nothing here has the price 'eu-west-2'",
    },
    -- contradictions
    {
      "444455556666:role/d",
      "444455556666:role/d\\n",
      "8:68 W303 this is not the ARN of a role",
    },
    {
      '"arn:aws:iam::"',
      '"arn:aws-cn:iam::"',
      "8:68 W303 a role of the partition aws-cn, but the region eu-west-1 is in aws",
    },
    {
      '{ "eu-west-1" }',
      '{ "eu-west-1", "cn-north-1" }',
      "6:28 W303 cn-north-1 is in another partition than eu-west-1",
    },
    {
      'role = { arn = prefix .. "444455556666:role/d" }',
      'role = { arn = prefix .. "444455556666:role/d", external_id = "0123456789abcdef" }',
      "8:108 W303 the role of account 1 has the External ID by which account 2 reads files",
    },
    {
      "core = {",
      "shared = {",
      "10:22 W303 a workload account has no stack of the template shared",
    },
    {
      "RoutingThreshold = -(-10)",
      'Prefix = "other"',
      "10:31 W303 Prefix of core is the estate's name",
    },
    {
      'external_id = "0123456789abcdef"',
      'external_id = "0123456789abcdef", next_external_id = "0123456789abcdef"',
      "W303 account 2 is to get the external_id of account 2",
    },
    {
      'external_id = "0123456789abcdef"',
      'next_external_id = "0123456789abcdef"',
      "W303 next_external_id takes the place of an external_id, and there is none",
    },
    {
      'kind = "storage"',
      'kind = "storage", next_external_id = "0123456789abcde2"',
      "W303 next_external_id belongs to the workload account",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "444455556666", templates = {}, '
        .. 'organizational_units = { "ou-abcd-12345678" } },',
      "W303 organizational_units are of the model SERVICE_MANAGED",
    },
    {
      "  },\n}",
      '    { id = "222233334444", kind = "workload", external_id = "0123456789abcde2" },\n  },\n'
        .. '  artifacts = { bucket = "weir" },\n}',
      "13:26 W303 the estate has several accounts, and a bucket is of one",
    },
    {
      '{ "eu-west-1" }',
      '{ "eu-west-1", "eu-west-2" }, artifacts = { bucket = "weir-{account}" }',
      "W303 the estate has several regions, and a bucket is of one",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "999900001111", templates = { "boundary" } },',
      "W303 stacksets.account is not one of the accounts of this file",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "444455556666", templates = { "core" } },',
      "W303 core takes what boundary puts out, and sets are deployed first",
    },
    {
      'name = "weir",',
      'name = "weir", features = { "GlobalTokens" }, '
        .. 'stacksets = { account = "444455556666", templates = { "boundary", "core" } },',
      "W303 core takes the table that tokens makes in account 111122223333, and sets are deployed",
    },
    {
      'name = "weir",',
      'name = "weir", stacksets = { account = "444455556666", templates = {}, '
        .. 'model = "SERVICE_MANAGED" },',
      "W303 SERVICE_MANAGED needs organizational_units",
    },
    { 'id = "111122223333"', 'id = "444455556666"', "9:12 W303 account 2 has the id of account 1" },
    {
      'external_id = "0123456789abcdef",',
      "",
      "9:5 W303 workload account 111122223333 has no external_id",
    },
    { "444455556666:role/d", "999900001111:role/d", "8:68 W303 a role of account 999900001111" },
    {
      'kind = "storage"',
      'kind = "storage", external_id = "0123456789abcde2"',
      "W303 external_id belongs to",
    },
    { "RoutingThreshold = -(-10)", 'ExternalId = "0123456789abcdef"',
      "10:31 W303 ExternalId of core is not given here" },
    { "  },\n}",
      '    { id = "222233334444", kind = "workload", external_id = "0123456789abcdef" },\n  },\n}',
      "11:61 W303 account 3 has the external_id of account 2" },
  }

  it("asks for tokens in a set only where an account's core takes a global table", function()
    local sets = 'stacksets = { account = "444455556666", templates = { "boundary", "core"%s } },\n'
    local function is_fine(more, of_account, templates)
      local text = GOOD:gsub("regions =", sets:format(templates or "") .. more .. "  regions =")
      text = text:gsub('kind = "workload",', '%0 ' .. (of_account or ""))
      local value, findings = estate.read(text, "e")
      if value then return true end
      assert.matches("core takes the table that tokens makes", findings[1].message, 1, true)

      return false
    end

    local tokens = 'features = { "GlobalTokens" },'
    assert.is_true(is_fine(""))
    assert.is_false(is_fine(tokens))
    assert.is_false(is_fine("", tokens))
    assert.is_false(is_fine("parameters = { tokens = { EnableGlobalTokens = true } },"))
    assert.is_true(is_fine(tokens, "features = {},"))
    assert.is_true(is_fine(tokens, 'stacks = { "boundary", "core" },'))
    assert.is_true(is_fine(tokens .. "parameters = { tokens = { EnableGlobalTokens = false } },"))
    assert.is_true(is_fine(tokens, "", ', "tokens"'))
  end)

  it("names the region that was meant", function()
    local _, findings = estate.read((GOOD:gsub("eu%-west%-1", "eu-wset-1")), "e")
    assert.equal("did you mean 'eu-west-1'?", findings[1].hint)
    _, findings = estate.read((GOOD:gsub("regions =", 'features = { "EnableLink" }, %0')), "e")
    assert.equal("write 'Link'", findings[1].hint)
  end)

  it("puts no text together that fills the memory", function()
    local text = 'local a = "0123456789"\n' .. ("local a = a .. a\n"):rep(60) .. GOOD
    local _, findings = estate.read(text, "e")
    assert.matches("a text of more than 65536 bytes", findings[1].message, 1, true)
  end)

  it("takes regions of every partition, and those that AWS adds", function()
    for _, region in ipairs { "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "eu-isoe-west-1",
      "mx-central-1", "ap-southeast-7", "us-iso-east-1" } do
      local text = GOOD:gsub("eu%-west%-1", (region:gsub("%%", "%%%%"))):gsub("role = %b{} ", "")
      assert.truthy(estate.read(text, "e"), region)
    end
  end)

  it("takes the same bucket for several regions that no workload account has", function()
    local text = GOOD:gsub("regions =", 'artifacts = { bucket = "weir" },\n  regions =')
    for _, kind in ipairs { "storage", "workload" } do
      local here = ('kind = "%s",'):format(kind)
      assert.truthy(estate.read((text:gsub(here, here .. ' regions = { "eu-west-2" },')), "e"))
    end
  end)

  for _, case in ipairs(CASES) do
    it(("with %q for %q says: %s"):format(case[2], case[1], case[3]), function()
      local found = table.concat(findings_of(case[1], case[2]), "\n")
      for i = 3, #case do assert.matches(case[i], found, 1, true) end
    end)
  end
end)
