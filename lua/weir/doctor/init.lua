-- weir doctor: what a deployed estate needs, looked at live and changed nowhere.
--
--   doctor.examine(session, given)
--       session  weir.deploy.session's
--       given    { version = of this program, layer =? SHA-256 of a layer in hex,
--                  shown = function(finding) }
--
-- A finding: { check =, account =, region =, subject =, outcome = "ok" | "wrong" | "cannot tell",
--              message =, remedy =? }
-- What could not be asked is told as such, and never taken for fine.
local accounts = require "weir.doctor.accounts"
local files = require "weir.doctor.files"
local sign_in = require "weir.deploy.sign_in"
local stacks = require "weir.doctor.stacks"

local doctor = {}

local Examination = {}
Examination.__index = Examination

function Examination:tell(outcome, check, place, subject, message, remedy)
  self.shown {
    check = check,
    account = place.account.id,
    region = place.region,
    subject = subject,
    outcome = outcome,
    message = message,
    remedy = remedy,
  }
end

function Examination:ok(...) self:tell("ok", ...) end
function Examination:wrong(...) self:tell("wrong", ...) end
function Examination:unknown(...) self:tell("cannot tell", ...) end

-- Of an answer that did not come: whose fault that is, nobody knows yet.
function Examination:unanswered(check, place, subject, message, code)
  local remedy = sign_in.advice(code, "doctor") or "run the same command again"
  self:unknown(check, place, subject, message, remedy)
end

function doctor.examine(session, given)
  local self = setmetatable({
    session = session,
    shown = given.shown,
    version = given.version,
    layer = given.layer,
  }, Examination)

  local reachable = accounts.examine(self)
  stacks.examine(self, reachable)
  files.examine(self, reachable)
end

return doctor
