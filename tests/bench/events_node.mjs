// The peer of event_map without any library, for node_loop.mjs: a decision is one line in weir's own format, written
// before the answer; the metrics are four lines of EMF, written at once.
import { writeSync } from "node:fs";
import { handlerWith, LOADED_AT, POLICY } from "./events_rules.mjs";

function metricLine(dimensions, metrics, requestId) {
  const line = {
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: "weir", Dimensions: [Object.keys(dimensions)],
      Metrics: metrics.map(([Name, , Unit]) => ({ Name, Unit })) }] },
    ...dimensions, policy_digest: POLICY.digest, policy_fetched_at: LOADED_AT, policy_loaded_at: LOADED_AT,
    request_id: requestId,
  };
  for (const [name, value] of metrics) line[name] = value;
  return JSON.stringify(line) + "\n";
}

let cold = 1;

function measure({ jobs, ignored, duplicates }, begin, requestId) {
  const Function = "local";
  writeSync(1,
    metricLine({ Action: "job", Function }, [["EventsMapped", jobs, "Count"]], requestId) +
    metricLine({ Action: "ignore", Function }, [["EventsMapped", ignored, "Count"]], requestId) +
    metricLine({ Function }, [["DuplicateEvents", duplicates, "Count"], ["DeadLetters", 0, "Count"]], requestId) +
    metricLine({ Function, Handler: "event_map" }, [["Duration", performance.now() - begin, "Milliseconds"],
      ["Success", 1, "Count"], ["Error", 0, "Count"], ["ColdStart", cold, "Count"], ["PolicyAge", 0, "Seconds"]],
    requestId));
  cold = 0;
}

export const handler = handlerWith({
  parse: (event) => event,
  logDecision: (record) => writeSync(1, JSON.stringify(record) + "\n"),
  measure,
});
