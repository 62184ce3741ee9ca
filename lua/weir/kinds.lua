-- The kinds of policy there are, in the order in which they are listed. Each has a file of its own
-- in weir/kinds/ with its facts, decisions and invariants.
return { "routing", "weights", "promotion", "mapping", "review" }
