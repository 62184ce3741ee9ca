// The peer of event_map as AWS's own toolkit for Node has it, Powertools for AWS Lambda, for node_loop.mjs: its parser
// checks the event, its logger writes the decision, its metrics the four lines of EMF.
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { S3EventNotificationEventBridgeSchema } from "@aws-lambda-powertools/parser/schemas/s3";
import { handlerWith, LOADED_AT, POLICY } from "./events_rules.mjs";

const logger = new Logger({ serviceName: "event_map" });
const metrics = new Metrics({ namespace: "weir", serviceName: "event_map" });

let cold = 1;

// One line of EMF: the metrics that have the same dimensions.
function publish(dimensions, figures, requestId) {
  metrics.addDimensions({ Function: "local", ...dimensions });
  for (const [name, value, unit] of figures) metrics.addMetric(name, unit, value);
  metrics.addMetadata("policy_digest", POLICY.digest);
  metrics.addMetadata("policy_fetched_at", LOADED_AT);
  metrics.addMetadata("policy_loaded_at", LOADED_AT);
  metrics.addMetadata("request_id", requestId);
  metrics.publishStoredMetrics();
}

function measure({ jobs, ignored, duplicates }, begin, requestId) {
  const { Count, Milliseconds, Seconds } = MetricUnit;
  publish({ Action: "job" }, [["EventsMapped", jobs, Count]], requestId);
  publish({ Action: "ignore" }, [["EventsMapped", ignored, Count]], requestId);
  publish({}, [["DuplicateEvents", duplicates, Count], ["DeadLetters", 0, Count]], requestId);
  publish({ Handler: "event_map" }, [["Duration", performance.now() - begin, Milliseconds], ["Success", 1, Count],
    ["Error", 0, Count], ["ColdStart", cold, Count], ["PolicyAge", 0, Seconds]], requestId);
  cold = 0;
}

export const handler = handlerWith({
  parse: (event) => S3EventNotificationEventBridgeSchema.parse(event),
  logDecision: (record) => logger.info("decision", record),
  measure,
});
