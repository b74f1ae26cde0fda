import { METRICS_NAMESPACE } from "../domain/metrics.ts";
import type { Measure } from "../handlers/ports.ts";

/**
 * Numbers as CloudWatch's embedded metric format has them: one line of JSON, which CloudWatch reads from the log of a
 * function and everybody else may ignore. No dimensions: one installation has one of each.
 */
export function createMeasure(
  write: (line: string) => void = (line) => void process.stdout.write(line),
  now: () => number = Date.now,
): Measure {
  return {
    put(numbers) {
      const metrics = Object.keys(numbers).map((name) => ({ Name: name, Unit: unitOf(name) }));
      const described = [{ Namespace: METRICS_NAMESPACE, Dimensions: [[]], Metrics: metrics }];
      write(`${JSON.stringify({ _aws: { Timestamp: now(), CloudWatchMetrics: described }, ...numbers })}\n`);
    },
  };
}

function unitOf(name: string): string {
  return name.endsWith("Seconds") ? "Seconds" : "Count";
}
