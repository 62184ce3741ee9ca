-- contains(list, wanted) → whether a value is in a list.
return function(list, wanted)
  for _, value in ipairs(list) do
    if value == wanted then return true end
  end

  return false
end
