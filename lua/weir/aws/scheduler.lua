-- EventBridge Scheduler: a schedule, and switching it off. Only the command-line program has it.
local client = require "weir.aws.client"

return client.service {
  name = "scheduler",
  id = "SCHEDULER",
  host = "scheduler",
  signing_name = "scheduler",
  protocol = "rest_json",
  operations = {
    GetSchedule = {
      method = "GET",
      path = "/schedules/{Name}",
      members = "Name*",
      target = "Name",
    },
    -- A member that is left out is reset: pass on everything that GetSchedule answered.
    UpdateSchedule = {
      method = "PUT",
      path = "/schedules/{Name}",
      members = "Name* GroupName ScheduleExpression* ScheduleExpressionTimezone Description "
        .. "StartDate EndDate FlexibleTimeWindow* Target* State KmsKeyArn ActionAfterCompletion "
        .. "ClientToken",
      target = "Name",
      changes = true,
    },
  },
}
