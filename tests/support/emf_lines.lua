-- emf_lines(writer) → the lines that a writer of weir.emf flushes, as a list of texts.
return function(writer)
  local file = assert(io.tmpfile())
  local count = assert(writer:flush(file))

  assert(file:seek("set"))
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  assert(#lines == count)

  return lines
end
