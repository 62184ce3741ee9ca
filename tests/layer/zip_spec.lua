-- What is in the layer's zip, with which modes, and what its program is made of.
local json = require "weir.json"
local layer_root = require "support.layer_root"
local run = require "support.run"

local ENTRIES = {
  "bom.json", "bootstrap", "etc/", "etc/ca-bundle.crt", "licenses/", "licenses/ca-certificates.txt",
  "licenses/curl.txt", "licenses/expat.txt", "licenses/lua.txt", "licenses/mbedtls.txt",
  "licenses/musl.txt", "licenses/weir.txt", "licenses/zlib.txt", "policies/", "policies/README.md",
  "policies/lib/",
}

local function output(command)
  local pipe = assert(io.popen(command .. " 2>&1", "r"))
  local text = pipe:read("a")
  pipe:close()

  return text
end

for _, architecture in ipairs { "x86_64", "arm64" } do
  describe("the zip of the " .. architecture .. " layer", function()
    local zip = layer_root.zip(architecture)
    local built, directory = io.open(zip), nil

    setup(function()
      if not built then return end
      built:close()
      directory = run.directory()
      assert(os.execute(("unzip -q %s -d %s"):format(zip, run.quote(directory))))
    end)

    teardown(function() if directory then run.remove(directory) end end)

    local function holds(what, body)
      if built then it(what, body) else pending(what .. ": the layer is not built") end
    end

    -- { name = { mode=, date= } } and the names in their order.
    local function listing()
      local entries, names = {}, {}
      for line in output("TZ=UTC zipinfo -T -l --h-t " .. zip):gmatch("[^\n]+") do
        local mode, date, name = line:match("^([-drwx]+) .* (%d+%.%d+) (.+)$")
        assert(name, line)
        entries[name] = { mode = mode, date = date }
        names[#names + 1] = name
      end

      return entries, names
    end

    holds("has these entries and the policies, in order", function()
      local expected = { table.unpack(ENTRIES) }
      for path in output("find policies -name '*.lua'"):gmatch("%S+") do
        expected[#expected + 1] = path
      end
      table.sort(expected)
      local _, names = listing()
      assert.same(expected, names)
    end)

    holds("has modes that Lambda's user can read and run, and one date", function()
      for name, entry in pairs((listing())) do
        local mode = name == "bootstrap" and "-rwxr-xr-x" or name:find("/$") and "drwxr-xr-x"
          or "-rw-r--r--"
        assert.equal(mode, entry.mode, name)
        assert.equal("19800101.000000", entry.date, name)
      end
    end)

    holds("is at most 1 MB", function() assert.is_true(#run.read(zip) <= 1000000) end)

    holds("says under which licences its parts are, and where the longest can be read", function()
      local mbedtls = run.read(directory .. "/licenses/mbedtls.txt")
      assert.matches("^weir takes Mbed TLS under the Apache License 2.0%.\n", mbedtls)
      assert.matches("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION", mbedtls)
      local authorities = run.read(directory .. "/licenses/ca-certificates.txt")
      assert.matches("\nLicense: MPL%-2%.0 %(its text: https://www.mozilla.org/MPL/2.0/%)\n",
        authorities)
    end)

    holds("has a program that needs nothing", function()
      local machine = architecture == "arm64" and "AArch64" or "X86%-64"
      assert.matches("Machine:%s+[^\n]*" .. machine,
        output("readelf -h " .. directory .. "/bootstrap"))
      assert.matches("There is no dynamic section",
        output("readelf -d " .. directory .. "/bootstrap"))
      local segments = output("readelf -lW " .. directory .. "/bootstrap")
      assert.not_matches("INTERP", segments)
      assert.matches("GNU_STACK[^\n]* RW ", segments)
    end)

    holds("says nothing of where it was built", function()
      local here = output("pwd"):match("[^\n]+")
      local program = run.read(directory .. "/bootstrap")
      assert.is_nil(program:find(here, 1, true))
      assert.is_nil(program:find("/build/", 1, true))
      assert.not_matches("%.note%.gnu%.build%-id",
        output("readelf -SW " .. directory .. "/bootstrap"))
      assert.is_nil(run.read(directory .. "/bom.json"):find(here, 1, true))
    end)

    holds("has the certificates of AWS's authorities, each readable", function()
      local bundle = run.read(directory .. "/etc/ca-bundle.crt")
      local _, count = bundle:gsub("%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-", "")
      assert.is_true(count >= 11)
      local shown = output("openssl crl2pkcs7 -nocrl -certfile " .. directory
        .. "/etc/ca-bundle.crt | openssl pkcs7 -print_certs -noout")
      assert.equal(count, select(2, shown:gsub("subject=", "")))
      for _, name in ipairs { "Amazon Root CA 1", "Amazon Root CA 4", "DigiCert Global Root G2",
        "Starfield Services Root Certificate Authority %- G2" } do
        assert.matches(name, shown)
      end
    end)

    holds("has a bill of materials that names what was downloaded", function()
      local bom = json.decode(run.read(directory .. "/bom.json"))
      local names = {}
      for i, part in ipairs(bom.components) do
        names[i] = part.name
        local archive
        for _, property in ipairs(part.properties) do
          if property.name == "weir:archive" then archive = property.value end
        end

        local sum = output("find build/layer/downloads build/lua/downloads -name "
          .. run.quote(archive)
          .. " -exec sha256sum {} +"):match("^%x+")
        assert.equal(sum, part.hashes[1].content, part.name)
        assert.is_true(#run.read(directory .. "/licenses/" .. part.name .. ".txt") > 500, part.name)
      end

      assert.matches("01-seed", json.encode(bom.components[4].properties), 1, true)
      assert.same({ "ca-certificates", "curl", "expat", "lua", "mbedtls", "musl", "zlib" }, names)
      assert.is_nil(bom.serialNumber or bom.metadata.timestamp)
    end)
  end)
end
