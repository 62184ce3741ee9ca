-- Examples of W0xx findings, as a user would write them, and mended. weir.findings shows them; the
-- layer goes without.
--   code → { bad =, good =, file = the name in the set, if not routing.lua }
return {
  W003 = {
    bad = [[
return policy {
  kind = "routing"
  decide = function(facts)
    return batch { because = "always" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "always" }
  end,
}
]],
  },
  W004 = {
    bad = [[
local limit = 10 + nil

return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
local limit = 10

return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", limit }
  end,
}
]],
  },
  W005 = {
    bad = [[
return {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W006 = {
    bad = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 0, min = 1, max = 1000, doc = "files" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "few files" }
    end
    return batch { because = "many files" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 1000, doc = "files" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "few files" }
    end
    return batch { because = "many files" }
  end,
}
]],
  },
  W007 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
  examples = {
    { given = { file_count = 3 }, expect = "realtime" },
  },
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
  examples = {
    { given = { file_count = 3 }, expect = "batch" },
  },
}
]],
  },
  W008 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return realtime { because = "always" }
  end,
  examples = {
    { given = { file_count = 3, inference_type = "none" }, expect = "realtime" },
  },
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.inference_type == "none" then
      return batch { because = "there is no endpoint" }
    end
    return realtime { because = "there is one" }
  end,
  examples = {
    { given = { file_count = 3, inference_type = "none" }, expect = "batch" },
  },
}
]],
  },
  W009 = {
    bad = [[
local seen = 0

return policy {
  kind = "routing",
  decide = function(facts)
    seen = seen + 1
    return batch { because = "decision number %d", seen }
  end,
  examples = {
    { given = { file_count = 3 }, expect = "batch" },
  },
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W011 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    while true do end
    return batch { because = "at last" }
  end,
  examples = {
    { given = { file_count = 3 }, expect = "batch" },
  },
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W012 = {
    bad = [[
local sizes = require "sizes"

return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W014 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count > 3 then
      batch { because = "many files" }
    end
    return realtime { because = "few files" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count > 3 then
      return batch { because = "many files" }
    end
    return realtime { because = "few files" }
  end,
}
]],
  },
  W015 = {
    file = "kinds/routing.lua",
    bad = [[
return {
  kind = "routing",
  facts = {
    { name = "hour", type = "intger", min = 0, max = 23, doc = "hour of the day" },
  },
}
]],
    good = [[
return {
  kind = "routing",
  facts = {
    { name = "hour", type = "integer", min = 0, max = 23, doc = "hour of the day" },
  },
}
]],
  },
}
