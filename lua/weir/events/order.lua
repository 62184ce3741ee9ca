-- Jobs of one object in the order in which the object was written. `sequencer` orders the writes of
-- one key: hex digits, compared as if the shorter had zeros behind it. Jobs without one, and jobs
-- of different objects, stay where they are.
--
--   order.sort(jobs)         in place
--   order.is_before(a, b)    of two sequencers
local order = {}

function order.is_before(a, b)
  a, b = a:upper(), b:upper()
  if #a < #b then a = a .. ("0"):rep(#b - #a) else b = b .. ("0"):rep(#a - #b) end
  return a < b
end

local function groups_of(jobs)
  local groups, list = {}, {}
  for i, job in ipairs(jobs) do
    if job.key and job.sequencer then
      local object = job.bucket .. "\0" .. job.key
      if not groups[object] then
        groups[object] = {}
        list[#list + 1] = groups[object]
      end

      table.insert(groups[object], i)
    end
  end

  return list
end

-- Few jobs of a batch are of one object: insertion keeps equal ones in their order.
local function sort_group(jobs, places)
  for n = 2, #places do
    local job, m = jobs[places[n]], n - 1
    while m >= 1 and order.is_before(job.sequencer, jobs[places[m]].sequencer) do
      jobs[places[m + 1]] = jobs[places[m]]
      m = m - 1
    end

    jobs[places[m + 1]] = job
  end
end

function order.sort(jobs)
  if #jobs < 2 then return end
  for _, places in ipairs(groups_of(jobs)) do
    if #places > 1 then sort_group(jobs, places) end
  end
end

return order
