-- storage_role(effects) → { arn =, external_id =? }, the role of the settings storage_role_arn and
-- external_id, in which files are listed and read; nil where none is set.
return function(effects)
  local arn = effects:setting("storage_role_arn", "")
  if arn == "" then return nil end
  local external_id = effects:setting("external_id", "")

  return { arn = arn, external_id = external_id ~= "" and external_id or nil }
end
