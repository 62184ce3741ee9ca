-- What weir deploy shows: a row of the plan, an event, what was done; for people, or one JSON
-- object each. columns: weir.cli.stack_columns, of all stacks of the estate.
local json = require "weir.json"
local prices = require "weir.deploy.prices"
local redact = require "weir.redact"
local sign_in = require "weir.deploy.sign_in"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"

local rows = {}

local function safe(text) return terminal.printable(redact.text(text)) end

-- The plan ----------------------------------------------------------------------------------------

-- What has to be done before a stack can be changed.
local NEXT = {
  replace = "it has to be deleted and created anew",
  clean = "its deletion has to be finished first",
  wait = "wait until it has ended, then plan again",
  go_back = "continue the roll-back first, as apply does",
  stuck = "CloudFormation does not go on from there: repair it by hand, or delete it",
  unknown = "look at it in the console",
}

local SIGNS = { Add = "+", Remove = "-", Modify = "~", Import = "+", Dynamic = "?" }

local REPLACEMENTS = { True = "  REPLACED", Conditional = "  may be REPLACED" }

local function show_change(out, change)
  local sign = SIGNS[change.action] or "?"
  out:print("    ", sign, " ", terminal.printable(change.id), "  ",
    out:paint("dim", terminal.printable(change.type)),
    out:paint("warning", REPLACEMENTS[change.replacement] or ""),
    change.loses_data and out:paint("error", "  its DATA IS LOST") or "")
end

local function names_of(stacks)
  local names = {}
  for i, stack in ipairs(stacks) do names[i] = stack.name end
  return names
end

local function headline_of_set(set)
  local count = 0
  for _, member in ipairs(set.members) do count = count + (member.change and 1 or 0) end
  if not set.differs then return "stack set, no change" end
  local what = set.change == "create" and "created" or "updated"

  return ("stack set, would be %s, in %s"):format(what, terminal.count(count, "account"))
end

local function headline(row)
  if row.error then return "cannot be planned: " .. row.error end
  if row.waits_for then
    return "would be created after " .. table.concat(names_of(row.waits_for), ", ")
      .. ", whose outputs it needs"
  end

  if row.set then return headline_of_set(row.set) end
  if not row.changes then return NEXT[row.step] end
  if #row.changes == 0 then
    return row.differs and "would be updated, only its outputs" or "no change"
  end

  local what = row.status and row.status ~= "REVIEW_IN_PROGRESS" and "updated" or "created"

  return ("would be %s, %s"):format(what, terminal.count(#row.changes, "change"))
end

-- Dollars a month, and what costs them.
local function price_of(price)
  local amount = ("$%.2f"):format(price.monthly)
  if price.most then amount = amount .. (" to $%.2f"):format(price.most) end
  local parts = table.concat(price.parts, ", ")
  for _, name in ipairs(price.unknown) do
    parts = ("%s%s, whose price is not known"):format(parts ~= "" and parts .. ", " or "", name)
  end

  return ("%s a month: %s"):format(amount, parts)
end

local function show_price(out, price)
  if #price.parts == 0 and #price.unknown == 0 then return end
  out:print("    ", out:paint("dim", terminal.printable(price_of(price))))
end

local function show_set(out, set)
  if set.why then out:print("    ~ ", safe(set.why)) end
  for _, member in ipairs(set.members) do
    if member.change then
      out:print("    ", member.change == "create" and "+ " or "~ ", member.stack.account.id, " ",
        member.stack.region, member.why and "  " .. safe(member.why) or "")
    end
  end

  for _, at in ipairs(set.strangers) do
    out:print("    ", at, "  is not in the estate file; it stays")
  end
end

local function place_of(out, columns, stack)
  return columns:of(out, stack.name, stack.account.id, stack.region)
end

local function show_row(out, columns, row)
  out:print(place_of(out, columns, row.stack), "  ", terminal.printable(row.status or "absent"),
    "  ", safe(headline(row)))
  local advice = row.error and sign_in.advice(row.code, "deploy")
  if advice then out:print("    ", out:paint("dim", advice)) end
  if row.why then out:print("    ", out:paint("dim", row.why)) end
  if row.taken then
    out:print("    ",
      out:paint("warning", "it lacks our tag weir:stack: somebody else's, or --adopt"))
  end
  if row.cause then out:print("    first cause: ", safe(row.cause)) end

  for _, change in ipairs(row.changes or {}) do show_change(out, change) end
  if row.set then show_set(out, row.set) end
  if row.policy then out:print("    ~ the policy of the access point") end
  if row.price then show_price(out, row.price) end
end

local function accounts_of(set)
  local list = {}
  for i, member in ipairs(set.members) do
    list[i] = {
      account = member.stack.account.id,
      region = member.stack.region,
      change = member.change or json.null,
    }
  end

  return json.array(list)
end

-- → what the plan comes to a month, and at the most; what is not in it
local function sum_of(list)
  local sum = { monthly = 0, most = 0, left_out = {}, elsewhere = {} }
  for _, row in ipairs(list) do
    local price = row.price
    if price then
      sum.monthly = sum.monthly + price.monthly
      sum.most = sum.most + (price.most or price.monthly)
      sum.is_priced = sum.is_priced or #price.parts > 0
      if price.elsewhere then sum.elsewhere[row.stack.region] = true end
    end

    if not price or #price.unknown > 0 then
      sum.left_out[#sum.left_out + 1] = row.stack.name .. " of " .. row.stack.account.id
    end
  end

  return sum
end

-- The sum of a plan. What has no price is named, and not taken for free.
function rows.total(screen, list)
  local sum = sum_of(list)
  if screen.json or not sum.is_priced then return end

  local upper = sum.most > sum.monthly and (" to $%.2f"):format(sum.most) or ""
  screen.out:printf("In all $%.2f%s a month, used or not (list prices of %s, %s); "
    .. "use comes on top.", sum.monthly, upper, prices.region, prices.dated)
  if #sum.left_out > 0 then
    screen.out:print("Not in it: ", terminal.printable(table.concat(sum.left_out, ", ")), ".")
  end

  for region in sorted_pairs(sum.elsewhere) do
    screen.out:printf('There are no list prices of %s: these are of %s. Yours: prices = { ["%s"] = '
      .. "{ … } }.", region, prices.region, region)
  end
end

function rows.plan(screen, columns, row)
  if not screen.json then return show_row(screen.out, columns, row) end

  screen.out:print(terminal.json {
    stack = row.stack.name,
    account = row.stack.account.id,
    region = row.stack.region,
    template = row.stack.template,
    status = row.status or json.null,
    step = row.step,
    why = row.why,
    cause = row.cause and redact.text(row.cause),
    taken = row.taken,
    changes = row.changes and json.array(row.changes),
    differs = row.differs,
    policy = row.policy and true,
    monthly = row.price and row.price.monthly,
    monthly_at_most = row.price and row.price.most,
    priced_for = row.price and row.price.elsewhere and prices.region or nil,
    unpriced = row.price and json.array(row.price.unknown),
    accounts = row.set and accounts_of(row.set),
    waits_for = row.waits_for and json.array(names_of(row.waits_for)),
    error = row.error and redact.text(row.error),
    code = row.code,
  })
end

-- What happens ------------------------------------------------------------------------------------

local STYLES = { FAILED = "error", COMPLETE = "good" }

function rows.event(screen, stack, event)
  if screen.json then
    screen.out:print(terminal.json {
      stack = stack.name,
      account = stack.account.id,
      region = stack.region,
      resource = event.LogicalResourceId,
      type = event.ResourceType,
      status = event.ResourceStatus,
      reason = event.ResourceStatusReason and redact.text(event.ResourceStatusReason),
      time = event.Timestamp,
    })
  else
    local out = screen.out
    local style = STYLES[event.ResourceStatus:match("(%u+)$")] or "dim"
    local reason = event.ResourceStatusReason
    out:print("    ", out:paint(style, terminal.printable(event.ResourceStatus)), "  ",
      terminal.printable(event.LogicalResourceId), reason and "  " .. safe(reason) or "")
  end

  screen.out:flush()
end

function rows.done(screen, columns, stack, what)
  if screen.json then
    screen.out:print(terminal.json {
      stack = stack.name,
      account = stack.account.id,
      region = stack.region,
      done = what,
    })
  else
    screen.out:print(place_of(screen.out, columns, stack), "  ", what)
  end

  screen.out:flush()
end

function rows.object(screen, bucket, key, was_there)
  if screen.json then
    screen.out:print(terminal.json { bucket = bucket, key = key, was_there = was_there })
  else
    screen.out:print("s3://", bucket, "/", key, "  ", was_there and "is there" or "put")
  end
end

return rows
