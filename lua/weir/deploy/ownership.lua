-- Whose a stack or a stack set is: the estate's where its tag weir:stack is its own name.
--
--   ownership.TAG
--   ownership.tag_of(tags) → the value of weir:stack | nil
--   ownership.is_ours(found, stack) → whether it has our tag
--   ownership.is_taken(found, stack)
--       → whether somebody else may have made what has the name of the stack
--   ownership.objection(stack) → message, code, what to do next
--
-- found: as AWS describes it, false where it is not there. stack: as weir.deploy.stacks gives it.
--
-- A deployment gives its stacks the tag, and weir cleanup deletes what carries it. So a stack that
-- somebody else made is not changed, unless --adopt says that it is the operator's own. One in
-- REVIEW_IN_PROGRESS has nothing in it: it may be anybody's.
local ownership = { TAG = "weir:stack" }

function ownership.tag_of(tags)
  for _, tag in ipairs(type(tags) == "table" and tags or {}) do
    if tag.Key == ownership.TAG then return tag.Value end
  end
end

function ownership.is_ours(found, stack) return ownership.tag_of(found.Tags) == stack.name end

function ownership.is_taken(found, stack)
  if not found or found.StackStatus == "REVIEW_IN_PROGRESS" then return false end
  return not ownership.is_ours(found, stack)
end

function ownership.objection(stack)
  return ("it does not carry the tag %s = %s, so somebody else may have made it")
    :format(ownership.TAG, stack.name), "NotOurs",
    "give the estate another name; or, if it is yours, give --adopt: it gets the tag, and from "
      .. "then on weir cleanup deletes it with the others"
end

return ownership
