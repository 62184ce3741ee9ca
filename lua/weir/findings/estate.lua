-- W3xx: what reading an estate file finds (lua/weir/deploy/data_file.lua, estate.lua, stacks.lua).
return {
  {
    code = "W301",
    severity = "error",
    title = "an estate file that is not data",
    meaning = [[
      An estate file holds comments, local names for values, and one return { … }. It is read and
      never run, so calls, functions, loops and arithmetic have no place in it.]],
    remedy = "Write the value itself, or a local above the return that holds it.",
  },
  {
    code = "W302",
    severity = "error",
    title = "an estate file of another shape",
    meaning = [[
      A key is unknown, missing or given twice, or its value is of another type than the estate
      needs. Accounts are texts in quotes: as numbers they would lose their leading zeros.]],
    remedy = "Correct the key or the value that the message names (deploy/README.md has them all).",
  },
  {
    code = "W303",
    severity = "error",
    title = "accounts that contradict each other",
    meaning = [[
      Two accounts have one id or one External ID, a workload account has no External ID although it
      reads files of a storage account, or a role belongs to another account than the one it is
      written in. An External ID that several accounts know protects none of them.]],
    remedy = "Give each account its own id, role and External ID.",
  },
  {
    code = "W304",
    severity = "error",
    title = "what no template knows",
    meaning = [[
      A parameter is not one of its template's, as CloudFormation reads it, or a feature has no
      Enable parameter in any template. Nothing was asked for: a misspelt name must not become a
      default.]],
    remedy = "Correct the name; the Parameters of the template list those there are.",
  },
}
