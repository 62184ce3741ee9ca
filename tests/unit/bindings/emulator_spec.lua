-- weir.emulator: what an open emulator changes of the process is as before once all are closed.
local has_emulator, emulator = pcall(require, "weir.emulator")

local function open()
  return assert(emulator.open({
    program = "/bin/true", argv0 = "bootstrap", handler = "", function_name = "f", task_root = "/",
    layer = "/", variables = {}, qualifiers = {}, port = 0, timeout_s = 3, memory_mb = 128,
    concurrency = 1, managed = 0, json_logs = false, json_events = false,
  }))
end

-- The signals that this process blocks and ignores, and how many files it may open.
local function process()
  local status <close> = assert(io.open("/proc/self/status"))
  local limits <close> = assert(io.open("/proc/self/limits"))
  local text = status:read("a")

  return {
    text:match("SigBlk:%s*(%x+)"),
    text:match("SigIgn:%s*(%x+)"),
    limits:read("a"):match("Max open files%s+(%d+)"),
  }
end

describe("emulators that are open at once", function()
  if not has_emulator then return end

  setup(function() collectgarbage() end) -- others that nobody holds any more

  for name, order in pairs({ ["first in, first out"] = { 1, 2 },
    ["last in, first out"] = { 2, 1 } }) do
    it("leave the process as it was: " .. name, function()
      local before = process()
      local both = { open(), open() }
      for _, i in ipairs(order) do
        local closing <close> = both[i]
        assert.is_number(closing:port())
      end

      assert.same(before, process())
    end)
  end
end)
