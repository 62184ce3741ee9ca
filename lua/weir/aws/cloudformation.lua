-- CloudFormation: stacks, their change sets and events. Only the command-line program has it: no
-- handler deploys.
local client = require "weir.aws.client"

local INSTANCES = "StackSetName* Accounts DeploymentTargets Regions* ParameterOverrides "
  .. "OperationPreferences OperationId CallAs"

-- Members that are not texts.
local TYPES = {
  Active = "boolean",
  DisableRollback = "boolean",
  DriftedStackInstancesCount = "integer",
  EnableTerminationProtection = "boolean",
  Enabled = "boolean",
  FailedStackInstancesCount = "integer",
  FailureToleranceCount = "integer",
  FailureTolerancePercentage = "integer",
  HookInvocationCount = "integer",
  ImportExistingResources = "boolean",
  InProgressStackInstancesCount = "integer",
  InSyncStackInstancesCount = "integer",
  IncludeNestedStacks = "boolean",
  MaxConcurrentCount = "integer",
  MaxConcurrentPercentage = "integer",
  MonitoringTimeInMinutes = "integer",
  NoEcho = "boolean",
  RetainExceptOnCreate = "boolean",
  RetainStacks = "boolean",
  RetainStacksOnAccountRemoval = "boolean",
  TimeoutInMinutes = "integer",
  TotalStackInstancesCount = "integer",
  UsePreviousValue = "boolean",
}

-- Lists and structures, which may be empty.
local STRUCTURES = "Accounts AllowedValues AutoDeployment Capabilities Changes DeclaredTransforms "
  .. "DeploymentTargets Details DriftInformation LogicalResourceIds ManagedExecution "
  .. "NotificationARNs OperationPreferences OrganizationalUnitIds Outputs "
  .. "ParameterConstraints ParameterOverrides Parameters RegionOrder Regions "
  .. "ResourceIdentifierSummaries ResourceIdentifiers ResourceTypes RollbackConfiguration "
  .. "RollbackTriggers Scope StackEvents StackResourceSummaries "
  .. "StackSetDriftDetectionDetails Stacks Summaries Tags UnrecognizedResourceTypes"

for name in STRUCTURES:gmatch("%a+") do TYPES[name] = "structure" end

return client.service {
  name = "cloudformation",
  id = "CLOUDFORMATION",
  host = "cloudformation",
  signing_name = "cloudformation",
  fips_hosts = { aws = "cloudformation-fips", ["aws-us-gov"] = "cloudformation" },
  protocol = "query",
  version = "2010-05-15",
  types = TYPES,
  operations = {
    DescribeStacks = {
      members = "StackName NextToken",
      target = "StackName",
      paging = { input = "NextToken", output = "NextToken", items = "Stacks" },
    },
    DescribeStackEvents = {
      members = "StackName* NextToken",
      target = "StackName",
      paging = { input = "NextToken", output = "NextToken", items = "StackEvents" },
    },
    -- What CloudFormation's own checks of a change set found, among others.
    DescribeEvents = {
      members = "StackName ChangeSetName OperationId Filters NextToken",
      target = "ChangeSetName",
      paging = { input = "NextToken", output = "NextToken", items = "OperationEvents" },
    },
    ListStackResources = {
      members = "StackName* NextToken",
      target = "StackName",
      paging = { input = "NextToken", output = "NextToken", items = "StackResourceSummaries" },
    },
    GetTemplateSummary = { members = "TemplateBody TemplateURL StackName", target = "StackName" },
    CreateChangeSet = {
      members = "StackName* ChangeSetName* TemplateBody TemplateURL UsePreviousTemplate Parameters "
        .. "Capabilities RoleARN Tags ClientToken Description ChangeSetType OnStackFailure",
      target = "StackName",
      changes = true,
    },
    DescribeChangeSet = {
      members = "ChangeSetName* StackName NextToken",
      target = "ChangeSetName",
      paging = { input = "NextToken", output = "NextToken", items = "Changes" },
    },
    ListChangeSets = {
      members = "StackName* NextToken",
      target = "StackName",
      paging = { input = "NextToken", output = "NextToken", items = "Summaries" },
    },
    DeleteChangeSet = {
      members = "ChangeSetName* StackName",
      target = "ChangeSetName",
      changes = true,
    },
    ExecuteChangeSet = {
      members = "ChangeSetName* StackName ClientRequestToken",
      target = "ChangeSetName",
      changes = true,
    },
    ContinueUpdateRollback = {
      members = "StackName* RoleARN ResourcesToSkip ClientRequestToken",
      target = "StackName",
      changes = true,
    },
    RollbackStack = {
      members = "StackName* RoleARN ClientRequestToken",
      target = "StackName",
      changes = true,
    },
    DeleteStack = {
      members = "StackName* RetainResources RoleARN ClientRequestToken DeletionMode",
      target = "StackName",
      changes = true,
    },
    CreateStackSet = {
      members = "StackSetName* Description TemplateBody TemplateURL Parameters Capabilities Tags "
        .. "AdministrationRoleARN ExecutionRoleName PermissionModel AutoDeployment CallAs "
        .. "ClientRequestToken ManagedExecution",
      target = "StackSetName",
      changes = true,
    },
    UpdateStackSet = {
      members = "StackSetName* Description TemplateBody TemplateURL UsePreviousTemplate Parameters "
        .. "Capabilities Tags OperationPreferences AdministrationRoleARN ExecutionRoleName "
        .. "PermissionModel AutoDeployment OperationId CallAs ManagedExecution",
      target = "StackSetName",
      changes = true,
    },
    DescribeStackSet = { members = "StackSetName* CallAs", target = "StackSetName" },
    CreateStackInstances = {
      members = INSTANCES,
      target = "StackSetName",
      changes = true,
    },
    UpdateStackInstances = {
      members = INSTANCES,
      target = "StackSetName",
      changes = true,
    },
    DeleteStackInstances = {
      members = "StackSetName* Accounts DeploymentTargets Regions* OperationPreferences "
        .. "RetainStacks* OperationId CallAs",
      target = "StackSetName",
      changes = true,
    },
    DeleteStackSet = { members = "StackSetName* CallAs", target = "StackSetName", changes = true },
    ListStackInstances = {
      members = "StackSetName* NextToken CallAs",
      target = "StackSetName",
      paging = { input = "NextToken", output = "NextToken", items = "Summaries" },
    },
    DescribeStackInstance = {
      members = "StackSetName* StackInstanceAccount* StackInstanceRegion* CallAs",
      target = "StackSetName",
    },
    DescribeStackSetOperation = {
      members = "StackSetName* OperationId* CallAs",
      target = "OperationId",
    },
    ListStackSetOperations = {
      members = "StackSetName* NextToken CallAs",
      target = "StackSetName",
      paging = { input = "NextToken", output = "NextToken", items = "Summaries" },
    },
    ListStackSetOperationResults = {
      members = "StackSetName* OperationId* NextToken CallAs",
      target = "OperationId",
      paging = { input = "NextToken", output = "NextToken", items = "Summaries" },
    },
  },
}
