-- Resource Groups Tagging: which resources of a region carry a tag. Only the command-line program
-- has it.
local client = require "weir.aws.client"

return client.service {
  name = "tagging",
  id = "RESOURCE_GROUPS_TAGGING_API",
  host = "tagging",
  signing_name = "tagging",
  protocol = "json",
  json_version = "1.1",
  target_prefix = "ResourceGroupsTaggingAPI_20170126",
  operations = {
    GetResources = {
      members = "TagFilters PaginationToken ResourceTypeFilters",
      target = "TagFilters",
      paging = {
        input = "PaginationToken",
        output = "PaginationToken",
        items = "ResourceTagMappingList",
      },
    },
  },
}
