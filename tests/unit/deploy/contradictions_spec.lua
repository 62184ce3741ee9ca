-- What in an estate file contradicts itself: partitions, kinds, External IDs and buckets.
local contradictions = require "weir.deploy.contradictions"

-- "KEY message" of each finding.
local function found_in(estate)
  local lines = {}
  estate.name, estate.regions = "weir", estate.regions or { "eu-west-1" }
  contradictions.find({
    at = function(_, _, key) return key end,
    places = setmetatable({}, { __index = function() return { at = "whole" } end }),
    finding = function(_, code, key, message)
      assert.equal("W303", code)
      lines[#lines + 1] = ("%s %s"):format(key, message)
    end,
  }, estate)

  return lines
end

local function workload(id, more)
  local made = { id = id, kind = "workload", external_id = "id-of-" .. id }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function of_kind(kind, id) return { id = id or "9", kind = kind } end

describe("an estate without contradictions", function()
  it("has several workload accounts, and one of each other kind", function()
    assert.same({}, found_in { accounts = { workload "1", workload "2", of_kind("storage", "3"),
      of_kind("shared", "4") } })
  end)
end)

describe("accounts that contradict each other", function()
  it("are a second of a kind that an estate has once", function()
    assert.same({ "kind account 3 is a second storage account" }, found_in { accounts = {
      of_kind("storage", "1"), workload "2", of_kind("storage", "3") } })
    assert.same({ "kind account 2 is a second shared account",
      "kind account 3 is a second shared account" }, found_in { accounts = {
      of_kind("shared", "1"), of_kind("shared", "2"), of_kind("shared", "3") } })
  end)

  it("have one id, or one External ID, or get one", function()
    assert.same({ "id account 2 has the id of account 1",
      "external_id account 2 has the external_id of account 1" },
      found_in { accounts = { workload "1", workload "1" } })
    assert.same({ "next_external_id account 3 has the next_external_id of account 1" },
      found_in { accounts = { workload("1", { next_external_id = "new" }), workload "2",
        workload("3", { next_external_id = "new" }) } })
    assert.same({ "next_external_id account 2 is to get the external_id of account 1" },
      found_in { accounts = { workload "1",
        workload("2", { next_external_id = "id-of-1" }) } })
  end)

  it("are of several partitions, in their own regions too", function()
    assert.same({ "2 cn-north-1 is in another partition than eu-west-1" },
      found_in { regions = { "eu-west-1", "cn-north-1" }, accounts = { workload "1" } })
    assert.same({ "3 us-gov-west-1 is in another partition than eu-west-1" }, found_in {
      accounts = { workload("1", { regions = { "eu-west-1", "us-east-1", "us-gov-west-1",
        "cn-north-1" } }) } })
    assert.same({}, found_in { accounts = { workload "1",
      workload("2", { regions = { "cn-north-1", "cn-northwest-1" } }) } })
  end)
end)

describe("a bucket of artifacts", function()
  local function said(bucket, accounts, regions)
    return found_in { artifacts = { bucket = bucket }, accounts = accounts, regions = regions }
  end

  local ACCOUNTS = "bucket the estate has several accounts, and a bucket is of one"
  local REGIONS = "bucket the estate has several regions, and a bucket is of one"
  local TWO = { workload "1", workload "2" }

  it("is of one account: {account} is in its name where there are several", function()
    assert.same({ ACCOUNTS }, said("b", TWO))
    assert.same({}, said("{account}", TWO))
    assert.same({}, said("b-{account}-x", TWO))
    assert.same({}, said("b", { workload "1", of_kind "storage" }))
  end)

  it("is of one region: {region} is in its name where there are several", function()
    assert.same({ REGIONS }, said("b", { workload "1" }, { "eu-west-1", "eu-west-2" }))
    assert.same({}, said("{region}", { workload "1" }, { "eu-west-1", "eu-west-2" }))
    assert.same({ REGIONS }, said("{account}", { workload "1",
      workload("2", { regions = { "eu-west-2" } }) }))
    assert.same({ ACCOUNTS, REGIONS }, said("b", TWO, { "eu-west-1", "eu-west-2" }))
  end)

  it("counts a region once, and those of workload accounts alone", function()
    assert.same({}, said("{account}", { workload "1", workload "2", workload "3" }))
    assert.same({}, said("b", { workload("1", { regions = { "eu-west-1" } }), of_kind "storage" },
      { "eu-west-1", "eu-west-2" }))
  end)
end)
