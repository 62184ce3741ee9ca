-- W1xx and W2xx: what reading the source finds (lua/weir/lint); W201 comes from loading.
return {
  {
    code = "W101",
    severity = "error",
    title = "a field that the facts do not have",
    meaning = [[
      The kind's facts have no field of this name, so it always reads as nothing: a rule built on it
      fails while deciding, or silently never applies.]],
    remedy = "Use a field of the kind; docs/kinds/ lists them with their types and units.",
  },
  {
    code = "W102",
    severity = "error",
    title = "a parameter that the policy does not have",
    meaning = "The table params of this policy declares no parameter of this name.",
    remedy = "Correct the name, or declare the parameter in params.",
  },
  {
    code = "W103",
    severity = "error",
    title = "a name that is not part of the policy language",
    meaning = [[
      The name is neither a local of the file nor one of the words policies are written in.
      Policies have no clock, files, network, printing or randomness: the same facts must give
      the same decision, on every machine and in every replay.]],
    remedy = [[
      Declare it with local, correct its spelling, or take what it would tell from the facts.]],
  },
  {
    code = "W104",
    severity = "error",
    title = "a global is assigned",
    meaning = [[
      Globals are frozen: one decision must leave nothing behind for the next. The assignment fails
      while deciding.]],
    remedy = "Write local in front of the first assignment.",
  },
  {
    code = "W105", severity = "error", title = "a library function that policies do not have",
    meaning = [[
      The sandbox leaves out library functions that are random, unbounded or depend on the
      machine.]],
    remedy = "Use what docs/policy-language.md lists. A stable choice can be derived from a fact.",
  },
  {
    code = "W106",
    severity = "error",
    title = "a decision of another kind",
    meaning = "Each kind has its own decisions, and the host refuses others.",
    remedy = "Return one of the decisions the finding lists, or correct the policy's kind.",
  },
  {
    code = "W107",
    severity = "error",
    title = "a decision that does not say why",
    meaning = [[
      because is what the decision log, the replay and the diff show to whoever has to
      understand the decision later. It is a text, or a format followed by its values.]],
    remedy = "Name the fact and the limit that decided.",
  },
  {
    code = "W108",
    severity = "error",
    title = "a decision with a wrong or a missing field",
    meaning = [[
      Besides because, which is a text, a decision has exactly the fields of its kind, each of
      its type and within its bounds. Unknown fields are refused, and required ones cannot be
      left out.]],
    remedy = "Correct the name; docs/kinds/ lists each decision's fields.",
  },
  {
    code = "W109",
    severity = "error",
    title = "facts or parameters are changed",
    meaning = [[
      Both are frozen: what is logged must be what was decided on. The assignment fails while
      deciding.]],
    remedy = "Put the new value in a local.",
  },
  {
    code = "W110",
    severity = "error",
    title = "compared with a value that never occurs",
    meaning = [[
      The field holds one of a few texts, and this is not one of them: the comparison always
      gives the same answer.]],
    remedy = "Use one of the values the finding lists.",
  },
  {
    code = "W111",
    severity = "error",
    title = "a format and its values do not fit",
    meaning = [[
      because with values after it, string.format and text:format take one value for each %d, %s
      or %.1f, in order. %d and its like need a whole number, %.1f any number, %s takes
      everything. A percent sign itself is written %%.]],
    remedy = "Count the directives and the values after the text.",
  },
  {
    code = "W112",
    severity = "error",
    title = "decide returns something that is not a decision",
    meaning = [[
      A decision is made by a constructor such as batch { because = … }. A text, a flag or
      nothing at all is refused, and nothing is carried out.]],
    remedy = "Return a decision from every branch, with because.",
  },
  {
    code = "W113",
    severity = "error",
    title = "values that do not go together",
    meaning = [[
      A number and a text are never equal, and comparing them by size fails while deciding; so do
      arithmetic on a text or a table, and joining what is neither a text nor a number.]],
    remedy = [[
      Write numbers without quotes, join texts with two dots, and make a number of a text with
      tonumber. docs/kinds/ lists the type of each fact.]],
  },
  {
    code = "W201",
    severity = "warning",
    title = "a policy without examples",
    meaning = [[
      Examples run at every load, in front of every deployment: without them nothing notices when an
      edit turns a rule around.]],
    remedy = "Add an example for each branch, and for the values right at its limits.",
  },
  {
    code = "W202",
    severity = "warning",
    title = "decide can end without a decision",
    meaning = [[
      For some facts no branch may apply; deciding then fails, and nothing is carried out.]],
    remedy = "End decide with the decision for everything else.",
  },
  {
    code = "W203",
    severity = "warning",
    title = "a parameter that is never used",
    meaning = "Whoever sets it believes to have changed something.",
    remedy = "Use the parameter in decide, or remove it.",
  },
  {
    code = "W205",
    severity = "warning",
    title = "a fact that may be absent",
    meaning = [[
      Facts that are not required read as nil when nobody gave them. Arithmetic, a comparison
      by size, joining, and looking for a field in nil fail while deciding. Nothing on the way
      to this place says that the fact is there.]],
    remedy = [[
      Ask first: if facts.x then …, facts.x and facts.x > 5, (facts.x or 0) + 1,
      assert(facts.x, "…"), or return a decision for facts without it.]],
  },
  {
    code = "W206",
    severity = "warning",
    title = "an allow that accepts nothing",
    meaning = [[
      A comment that accepts a finding names its code and says why it is right there. This one names
      no finding that reading the source has, or says no reason, so nothing is accepted. What keeps
      a set from loading (W0xx) cannot be accepted.]],
    remedy = "Write -- weir: allow CODE REASON, in the line of the finding or alone above it.",
  },
  {
    code = "W207",
    severity = "warning",
    title = "an allow that is not needed",
    meaning = [[
      The finding that this comment accepts is not there. A comment that stays behind would accept
      the next one, which nobody has looked at.]],
    remedy = "Remove the comment, or move it to the line of the finding.",
  },
}
