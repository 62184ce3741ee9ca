-- W0xx: what loading and verifying a policy set finds (host/core/policy_files/, host/policy/load.c,
-- host/policy/verify.c).
return {
  {
    code = "W001",
    severity = "error",
    title = "a file or directory cannot be read",
    meaning = [[
      The directory does not exist, is not a directory, changed while it was read, or permission
      to read it or a file in it is missing.]],
    remedy = "Check the path and its permissions (ls -l), then check again.",
  },
  {
    code = "W002",
    severity = "error",
    title = "a file is not a Lua text, or is too large",
    meaning = [[
      Policies are UTF-8 text. Precompiled Lua is refused because it can break out of any sandbox;
      very large files are refused because no reviewer can read them.]],
    remedy = "Put the source into the directory; move data that is not policy elsewhere.",
  },
  {
    code = "W003",
    severity = "error",
    title = "a syntax error",
    meaning = [[
      Lua cannot compile the file. The place is where Lua gave up, which can be a line or more
      after the mistake. The finding says what to write where the mistake is known: operators
      and words of other languages, a comma or an end that is missing, a byte-order mark.]],
    remedy = "Look for a missing comma, 'then', 'end' or quote at that line or just before it.",
  },
  {
    code = "W004",
    severity = "error",
    title = "an error while the file was loaded",
    meaning = "The file compiles, but running it to get at the policy failed.",
    remedy = "Mend the line the message names.",
  },
  {
    code = "W005",
    severity = "error",
    title = "the file does not return a policy of the right shape",
    meaning = [[
      A policy file ends with return policy { kind = …, decide = function(facts, params) … end },
      and has no other keys than name, doc, params and examples.]],
    remedy = [[
      Correct the key or the value the message names. Files that policies only require may return
      anything.]],
  },
  {
    code = "W006",
    severity = "error",
    title = "a parameter is not right",
    meaning = "A default or an override is outside the parameter's own bounds, or of another type.",
    remedy = "Bring the value inside the bounds, or change the bounds.",
  },
  {
    code = "W007",
    severity = "error",
    title = "one of the policy's examples fails",
    meaning = [[
      The policy does not decide its own example as expected, so it never becomes active: either the
      rule or the example is wrong.]],
    remedy = [[
      Compare what was expected with what was decided and why; change the one that is wrong.]],
  },
  {
    code = "W008",
    severity = "error",
    title = "a decision breaks an invariant of its kind",
    meaning = [[
      Some decisions are refused whatever a policy says: a share of traffic that is not a number,
      real-time inference without an endpoint in service, the promotion of a model nobody
      approved.]],
    remedy = "Decide otherwise for such facts; docs/kinds/ lists each kind's invariants.",
  },
  {
    code = "W009",
    severity = "error",
    title = "the policy keeps state between decisions",
    meaning = [[
      A function assigns a variable that lives on after the decision, or keeps an iterator in one.
      The next decision would depend on the one before, and could not be replayed. This is checked
      when every file of the set has run. (Tables that live on are read-only; writing to one is an
      error when it happens.)]],
    remedy = "Keep everything that changes in locals of decide.",
  },
  {
    code = "W010",
    severity = "error",
    title = "two policies of one kind",
    meaning = "The kind chooses the policy, so a directory holds at most one of each.",
    remedy = [[
      Remove one of the files, move it to another directory, or make it a helper that the other one
      requires.]],
  },
  {
    code = "W011",
    severity = "error",
    title = "the budget is spent",
    meaning = [[
      Loading, or deciding an example, took more instructions or memory than a policy may use.]],
    remedy = "Look for a loop that never ends, or for work that grows with the size of the facts.",
  },
  {
    code = "W012",
    severity = "error",
    title = "a module that is not in the policy directory",
    meaning = "require finds the policy directory's own files only, by their names without .lua.",
    remedy = "Put the helper beside the policy, and name it without directories or dots.",
  },
  {
    code = "W013",
    severity = "error",
    title = "a policy bundle is damaged, or is not a bundle",
    meaning = [[
      A bundle is one file with a whole policy set and the digest of each of its files. This one
      has another form, or its texts are not what their digests say: it was cut short, edited by
      hand, or is something else. Nothing of it is used.]],
    remedy = "Make it again with weir bundle DIR -o FILE, and put the new file in its place.",
  },
  {
    code = "W014",
    severity = "error",
    title = "a decision is made and thrown away",
    meaning = [[
      An action, or a function that makes a decision, is called as a statement of its own. Nothing
      takes the decision, and the policy goes on to decide something else: a return is missing in
      front of the call. The call is found through variables, fields of tables, functions of
      helper files, pcall and assert.]],
    remedy = [[
      Write return in front of the call. To make several decisions and return one of them, put
      each into a local.]],
  },
  {
    code = "W015",
    severity = "error",
    title = "a file in kinds/ does not declare a kind",
    meaning = [[
      A Lua file in the folder kinds/ of a policy set declares a kind of the set's own, or facts
      that the set adds to one of weir's. Each fact has a name of its own, a type, and says what it
      means; lists and maps say how long they may be. What weir's kinds have stays as it is. While a
      file of kinds/ is refused, no policy of the set is looked at.]],
    remedy = "Correct what the message names; docs/own-kinds.md shows whole files.",
  },
}
