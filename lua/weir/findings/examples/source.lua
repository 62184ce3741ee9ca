-- Examples of W1xx and W2xx findings, as a user would write them, and mended (see
-- weir/findings/examples/load.lua).
return {
  W101 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.fileCount < 10 then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count < 10 then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W102 = {
    bad = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files; at or above goes to batch" },
  },
  decide = function(facts, params)
    if facts.file_count < params.treshold then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files; at or above goes to batch" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W103 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if os.time() > 0 then
      return batch { because = "it is late" }
    end
    return realtime { because = "it is early" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.deadline_seconds and facts.deadline_seconds > 3600 then
      return batch { because = "there is time" }
    end
    return realtime { because = "due within the hour" }
  end,
}
]],
  },
  W104 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    count = facts.file_count
    return batch { because = "%d files", count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    local count = facts.file_count
    return batch { because = "%d files", count }
  end,
}
]],
  },
  W105 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if math.random() < 0.1 then
      return batch { because = "one in ten" }
    end
    return realtime { because = "nine in ten" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count % 10 == 0 then
      return batch { because = "one in ten" }
    end
    return realtime { because = "nine in ten" }
  end,
}
]],
  },
  W106 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return hold { because = "nothing to do", needs = "files" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "nothing is urgent" }
  end,
}
]],
  },
  W107 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch {}
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files, at or above 10", facts.file_count }
  end,
}
]],
  },
  W108 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { becuase = "many files", because = "many files" }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "many files" }
  end,
}
]],
  },
  W109 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    facts.file_count = facts.file_count + 1
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    local count = facts.file_count + 1
    return batch { because = "%d files", count }
  end,
}
]],
  },
  W110 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.inference_type == "serverles" then
      return serverless { because = "no instances" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.inference_type == "serverless" then
      return serverless { because = "no instances" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W111 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files of %d bytes", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "%d files of %d bytes", facts.file_count, facts.total_bytes or 0 }
  end,
}
]],
  },
  W112 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count == 0 then return nil end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count == 0 then return batch { because = "nothing to send" } end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W113 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.volume == "archive" and facts.file_count < "10" then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.volume == "archive" and facts.file_count < 10 then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W201 = {
    bad = [[
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
  examples = {
    { given = { file_count = 3 }, expect = "batch" },
  },
}
]],
  },
  W202 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count < 10 then
      return realtime { because = "few files" }
    elseif facts.file_count >= 10 then
      return batch { because = "many files" }
    end
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count < 10 then
      return realtime { because = "few files" }
    end
    return batch { because = "many files" }
  end,
}
]],
  },
  W203 = {
    bad = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files; at or above goes to batch" },
  },
  decide = function(facts, params)
    if facts.file_count < 10 then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files; at or above goes to batch" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "few files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W205 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count > 100 and facts.total_bytes / facts.file_count < 1000 then
      return realtime { because = "small files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  decide = function(facts)
    local bytes = facts.total_bytes
    if facts.file_count > 100 and bytes and bytes / facts.file_count < 1000 then
      return realtime { because = "small files" }
    end
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
  },
  W206 = {
    bad = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files" }, -- weir: allow W203
  },
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
}
]],
    good = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files" }, -- weir: allow W203 the dashboard shows it
  },
  decide = function(facts)
    return batch { because = "%d files", facts.file_count }
  end,
  examples = { { given = { file_count = 3 }, expect = "batch" } },
}
]],
  },
  W207 = {
    bad = [[
return policy {
  kind = "routing",
  decide = function(facts)
    -- weir: allow W101 the field comes with the next version
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
}
