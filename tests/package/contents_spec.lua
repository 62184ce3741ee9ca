-- What is in the packages of the command-line program, where it is installed, and what is told of
-- it.
local files = require "support.files"
local json = require "weir.json"
local package_root = require "support.package_root"
local run = require "support.run"

local function output(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1", "r"))
  return pipe:read("a")
end

-- Below the prefix; the Debian package has some elsewhere, or packed.
local PLACES = {
  tarball = {
    manual = "/share/man/man1/weir.1",
    bash = "/share/bash-completion/completions/weir",
    zsh = "/share/zsh/site-functions/_weir",
    fish = "/share/fish/vendor_completions.d/weir.fish",
  },
  debian = {
    manual = "/share/man/man1/weir.1.gz",
    bash = "/share/bash-completion/completions/weir",
    zsh = "/share/zsh/vendor-completions/_weir",
    fish = "/share/fish/vendor_completions.d/weir.fish",
  },
}

for _, architecture in ipairs { "x86_64", "arm64" } do
  for form, places in pairs(PLACES) do -- any order: each is on its own
    describe(("the %s %s"):format(architecture, form), function()
      local missing, root, prefix = package_root.missing(form, architecture), nil, nil

      setup(function()
        if missing then return end
        root = package_root.new(form, architecture)
        prefix = root.path .. root.prefix
      end)

      teardown(function() if root then root:remove() end end)

      local function holds(what, body)
        if missing then pending(what .. ": " .. missing) else it(what, body) end
      end

      holds("has the manual page that the program writes", function()
        local page = output("gzip -dcf " .. run.quote(prefix .. places.manual))
        assert.equal(root:run({ "help", "--man" }).stdout, page)
        assert.matches(".TH WEIR 1", page, 1, true)
      end)

      holds("has the completions that the program writes", function()
        for _, shell in ipairs { "bash", "zsh", "fish" } do
          local script = files.read(prefix .. places[shell])
          assert.equal(root:run({ "completion", shell }).stdout, script, shell)
        end
      end)

      holds("has the shipped policies, and no other file of their directory", function()
        assert.equal("", output(("diff -r -x '.*' policies %s"):format(
          run.quote(prefix .. "/share/weir/policies"))))
        for _, name in ipairs(root:list()) do assert.is_nil(name:find("/.", 1, true), name) end
      end)

      holds("has a program that needs nothing", function()
        local program = run.quote(prefix .. "/bin/weir")
        local machine = architecture == "arm64" and "AArch64" or "X86%-64"
        assert.matches("Machine:%s+[^\n]*" .. machine, output("readelf -h " .. program))
        assert.matches("There is no dynamic section", output("readelf -d " .. program))
        assert.not_matches("INTERP", output("readelf -lW " .. program))
      end)

      holds("says nothing of where it was built", function()
        local here = output("pwd"):match("[^\n]+")
        assert.equal("", output(("grep -rlF %s %s"):format(run.quote(here), run.quote(prefix))))
        assert.is_nil(files.read(prefix .. "/bin/weir"):find("/build/", 1, true))
      end)

      holds("has a bill of materials of what is linked: its versions, sums and licences", function()
        local bom = json.decode(files.read(prefix .. "/share/doc/weir/bom.json"))
        local versions = {}
        for _, part in ipairs(bom.components) do
          versions[part.name] = part.version
          assert.matches("^%x+$", part.hashes[1].content, part.name)
          local licence = prefix .. "/share/doc/weir/licenses/" .. part.name .. ".txt"
          assert.is_true(#files.read(licence) > 500, part.name)
        end

        local told = json.decode(root:run({ "version", "--json" }).stdout)
        assert.is_true(#told.libraries >= 5)
        for _, library in ipairs(told.libraries) do
          local version = versions[library.name:lower()]
          local number = library.version:match("^[%d.]+")
          assert.is_truthy(version and version:find(number, 1, true),
            library.name .. " " .. number .. " is not " .. tostring(version))
        end

        for _, name in ipairs { "ca-certificates", "libgcc", "libmicrohttpd", "lua", "musl" } do
          assert.is_truthy(versions[name], name .. " is missing")
        end

        assert.equal(told.lua.package, versions.lua)
        assert.equal(told.version, bom.metadata.component.version)
        assert.is_nil(bom.serialNumber or bom.metadata.timestamp)
      end)

      holds("has sums of all its files", function()
        local listed
        if form == "debian" then
          package_root.dpkg(root, "--verify weir")
          listed = files.lines_of(("cut -c35- %s"):format(
            run.quote(root.path .. "/var/lib/dpkg/info/weir.md5sums")))
          for i, name in ipairs(listed) do listed[i] = "/" .. name end
        else
          local sums = "share/doc/weir/SHA256SUMS"
          assert.equal("", output(("cd %s && sha256sum --quiet --strict -c %s"):format(
            run.quote(prefix), sums)))
          listed = files.lines_of(("cut -c67- %s"):format(run.quote(prefix .. "/" .. sums)))
          listed[#listed + 1] = sums
          for i, name in ipairs(listed) do listed[i] = root.prefix .. "/" .. name end
        end

        local installed = {}
        for _, name in ipairs(root:list()) do
          if not name:find("^/var/") then installed[#installed + 1] = name end
        end

        table.sort(listed)
        assert.same(installed, listed)
      end)

      holds("is installed as README.md says", function()
        local readme = files.read("README.md")
        local file = package_root.file(form, architecture)
        if architecture == "x86_64" then assert.matches(file, readme, 1, true) end
        assert.matches("--strip-components=1 -C /usr/local", readme, 1, true)
      end)

      holds("is in SHA256SUMS beside it", function()
        local file = package_root.file(form, architecture)
        local sum = output("sha256sum " .. file):match("^%x+")
        assert.matches(sum .. "  " .. file:match("[^/]+$"),
          files.read("build/package/SHA256SUMS"), 1, true)
      end)

      holds("has modes for everybody, owners for root, and one date", function()
        local listing = form == "tarball" and output("tar --numeric-owner -tvzf "
          .. package_root.file(form, architecture))
          or output("dpkg-deb --fsys-tarfile " .. package_root.file(form, architecture)
            .. " | tar --numeric-owner -tvf -")
        for line in listing:gmatch("[^\n]+") do
          local mode, owner, date, name = line:match("^(%S+) (%S+) +%d+ (%S+ %S+) (.+)$")
          assert.equal("0/0", owner, line)
          assert.equal("2026-01-01 00:00", date, line)
          local expected = mode:sub(1, 1) == "d" and "drwxr-xr-x"
            or name:find("/bin/weir$") and "-rwxr-xr-x" or "-rw-r--r--"
          assert.equal(expected, mode, line)
        end
      end)
    end)
  end

  describe("the " .. architecture .. " Debian package", function()
    local missing = package_root.missing("debian", architecture)

    local function holds(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    holds("tells dpkg what it is, and depends on nothing", function()
      local file = package_root.file("debian", architecture)
      local function field(name)
        return (output(("dpkg-deb --field %s %s"):format(file, name)):gsub("\n$", ""))
      end

      local version = json.decode(run({ "version", "--json" }).stdout).version
      assert.same({ "weir", version .. "-1", architecture == "arm64" and "arm64" or "amd64", "" },
        { field "Package", field "Version", field "Architecture", field "Depends" })
    end)

    holds("leaves nothing behind when it is removed", function()
      local root = package_root.new("debian", architecture)
      finally(function() root:remove() end)
      assert.is_true(#root:list() > 30)
      package_root.dpkg(root, "--purge weir")
      for _, name in ipairs(root:list()) do assert.matches("^/var/", name) end
    end)

    holds("has the documents that Debian asks for", function()
      local root = package_root.new("debian", architecture)
      finally(function() root:remove() end)
      local documents = root.path .. "/usr/share/doc/weir/"
      local changes = output("gzip -dc " .. run.quote(documents .. "changelog.Debian.gz")
        .. " | dpkg-parsechangelog -l - -S Version")
      local version = json.decode(run({ "version", "--json" }).stdout).version
      assert.equal(version .. "-1\n", changes)
      assert.matches("License: Expat\n Permission is hereby granted",
        files.read(documents .. "copyright"), 1, true)
    end)
  end)
end
