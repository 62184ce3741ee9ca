-- The volumes of the recorded day: who writes what where, how much, and how it reaches the host.
local volumes = {}

local KB, MB = 1024, 1024 * 1024

-- How busy each hour of a working day is.
volumes.BUSY = {
  [0] = 0.05, 0.05, 0.1, 0.05, 0.05, 0.05, 0.15, 0.5, 1.1, 1.6, 1.5, 1.3,
  0.45, 1.1, 1.5, 1.4, 1.2, 0.8, 0.3, 0.2, 0.1, 0.1, 0.05, 0.05,
}

-- Keys that have broken somebody's pipeline. What they are to us: plain bytes.
local ODD_KEYS = {
  "Messung 01+02/Ergebnis (final).csv",
  "100% done/a%20b.csv",
  "r\u{e9}sum\u{e9}/caf\u{e9}.csv", -- NFC
  "re\u{301}sume\u{301}/cafe\u{301}.csv", -- NFD: another object
  "\u{1f680} launch/\u{1f4c8}.csv",
  "\u{65e5}\u{672c}\u{8a9e}/\u{30c7}\u{30fc}\u{30bf}.csv",
  "quotes/he said \"hi\" & 'bye'.csv",
  "C:\\share\\back\\slash.csv",
  "line\nbreak/tab\there.csv",
  "a=b&c=d;e?f#g/h.csv",
  "//double//slash.csv",
  "trailing space /x.csv ",
  "long/" .. ("sub-directory/"):rep(70) .. "end.csv",
  ".snapshot/hourly.2026-11-20_0905/run.csv",
  "notes/~$protocol.docx",
  "upload/run-17.csv.part",
  "results/run-16.csv",
  "empty/",
}

-- Sizes fall by orders of magnitude: each doubling is as likely as the one before. Integers only,
-- so that the sizes are the same on every machine.
local function pick_size(random, smallest, largest)
  local size = smallest
  while size * 2 <= largest and random:chance(0.6) do size = size * 2 end
  return math.min(largest, size + random:integer(0, size - 1))
end

-- name, bucket, model: as deployed. way: how new objects are noticed. rate: uploads a minute at
-- an hour of busyness 1. stack: the most objects that one upload brings, 1 when absent.
-- file(random, number): key and size of the next object.
volumes.list = {
  { name = "scans", bucket = "scans-ap-x7k2m9q4w1-ext-s3alias", way = "notification", rate = 0.8,
    model = "vision", inference = "provisioned",
    file = function(random, number)
      return ("line-%d/2026-11-20/part-%06d.tif"):format(random:integer(1, 6), number),
        pick_size(random, 300 * KB, 9 * MB)
    end },
  { name = "invoices", bucket = "invoices-ap-b3n8v5c2z6-ext-s3alias", way = "listing", rate = 0.15,
    stack = 20, model = "invoice", inference = "provisioned",
    file = function(random, number)
      return ("inbox/%s/RE-2026-%05d.pdf"):format(random:choice { "berlin", "osaka", "lyon" },
        number),
        pick_size(random, 20 * KB, 2 * MB)
    end },
  { name = "media", bucket = "media-ap-t5r1e8d3f7-ext-s3alias", way = "notification", rate = 0.3,
    model = "caption", inference = "components",
    file = function(random, number)
      local key = ("raw/%s/clip %04d.mp4"):format(random:choice { "Studio A", "Studio B" }, number)
      if random:chance(0.15) then key = key .. ".crdownload" end
      if random:chance(0.4) then return key, pick_size(random, 8 * MB, 40000 * MB) end
      return key, pick_size(random, 300 * KB, 6 * MB)
    end },
  { name = "research", bucket = "research-ap-p9o4i2u6y8-ext-s3alias", rate = 0.4,
    way = "encoded listing",
    model = "spectra", inference = "serverless",
    file = function(random, number)
      if random:chance(0.25) then
        local key = random:choice(ODD_KEYS)
        return key, key:find("/$") and 0 or pick_size(random, 100, 3 * MB)
      end
      return ("group-%d/run-%05d.csv"):format(random:integer(1, 4), number),
        pick_size(random, 2 * KB, 5 * MB)
    end },
  { name = "landing", bucket = "weir-landing-eu", versioned = true, way = "eventbridge", rate = 0.5,
    model = "tabular", inference = "none",
    file = function(random, number)
      return ("partner-%d/export_%05d.csv"):format(random:integer(1, 3), number),
        pick_size(random, 5 * KB, 30 * MB)
    end },
}

return volumes
