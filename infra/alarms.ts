import { Duration, Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { SWEEP_MS } from "../service/domain/limits.ts";
import { METRIC, METRICS_NAMESPACE } from "../service/domain/metrics.ts";
import type { FunctionName } from "./bundles.ts";
import type { Functions } from "./functions.ts";
import type { WakeQueue } from "./queue.ts";

const PERIOD = Duration.minutes(5);
/** One call in ten fails: more than a machine that AWS replaced, less than an outage. */
const ERRORS_PERCENT_MAX = 10;
/** Fewer calls than this say nothing about a rate. */
const ERRORS_MIN = 3;
/** A hint waits a second. Ten minutes mean that wake does not run, and the tick alone does the work. */
const HINT_AGE_SECONDS_MAX = 600;
/** The tick looks at everything due each minute, so what is due for 15 is stuck. */
const WAKEUP_AGE_SECONDS_MAX = 900;
/** This many sweeps in a row that did not end are a reason to look. */
const SWEEP_AGE_SECONDS_MAX = (4 * SWEEP_MS) / 1_000;
/** AWS needs a day or two to raise a quota, so this comes before it is full. */
const QUOTA_PERCENT_MAX = 85;

interface Watch {
  /** The alarm's name, and its heading in docs/runbook.md. */
  readonly name: string;
  readonly why: string;
  readonly metric: IMetric;
  readonly above: number;
  readonly periods: number;
  /** What no data means; not breaching, if nothing is said. */
  readonly missing?: TreatMissingData;
}

export interface AlarmsProps {
  readonly api: HttpApi;
  readonly functions: Functions;
  readonly queue: WakeQueue;
  readonly key: IKey | null;
  readonly email: string | null;
}

/** All alarms, where they are told, and the one dashboard that shows them with what they watch. */
export function createAlarms(scope: Construct, { api, functions, queue, key, email }: AlarmsProps): void {
  const topic = new Topic(scope, "AlarmTopic", { enforceSSL: true, ...(key && { masterKey: key }) });
  if (email !== null) topic.addSubscription(new EmailSubscription(email));
  const watches = [...queueWatches(queue), doorWatch(api), ...functionWatches(functions), ...ownWatches()];
  const alarms = watches.map((watch) => createAlarm(scope, watch, topic));
  const dashboard = new Dashboard(scope, "Dashboard", { dashboardName: Stack.of(scope).stackName });
  dashboard.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms, width: 24, height: 4 }));
  dashboard.addWidgets(...watches.map(({ name, metric, above }) => graph(name, metric, above)));
}

function createAlarm(scope: Construct, watch: Watch, topic: Topic): Alarm {
  const { name, why, metric, above, periods, missing } = watch;
  const alarm = new Alarm(scope, `Alarm-${name}`, {
    alarmName: `${Stack.of(scope).stackName}-${name}`,
    alarmDescription: `${why} What to do: docs/runbook.md#${name}`,
    metric,
    threshold: above,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
  return alarm;
}

function queueWatches({ queue, dead }: WakeQueue): readonly Watch[] {
  const period = { period: PERIOD, statistic: Stats.MAXIMUM };
  return [
    {
      name: "dead-letters",
      why: "A hint could not be taken and was set aside.",
      metric: dead.metricApproximateNumberOfMessagesVisible(period),
      above: 0,
      periods: 1,
    },
    {
      name: "hint-age",
      why: "Hints wait in the queue: the function wake does not keep up, or does not run.",
      metric: queue.metricApproximateAgeOfOldestMessage(period),
      above: HINT_AGE_SECONDS_MAX,
      periods: 1,
    },
  ];
}

/** What the functions answer themselves, such as 503 while the store is away, is no error of theirs to Lambda. */
function doorWatch(api: HttpApi): Watch {
  return {
    name: "door-errors",
    why: "Webhooks or calls of the API are answered with 5xx.",
    metric: percentOf("answers of the door", {
      errors: api.metricServerError({ period: PERIOD, statistic: Stats.SUM }),
      calls: api.metricCount({ period: PERIOD, statistic: Stats.SAMPLE_COUNT }),
    }),
    above: ERRORS_PERCENT_MAX,
    periods: 1,
  };
}

function functionWatches({ all }: Functions): readonly Watch[] {
  const watched = (["webhook", "http", "wake", "tick"] as const).map((name) => errorWatch(name, all[name]));
  const throttles = (["webhook", "http"] as const).map((name) => ({
    name: `${name}-throttled`,
    why: `Calls of the function ${name} were refused because too many ran at once.`,
    metric: all[name].metricThrottles({ period: PERIOD }),
    above: 0,
    periods: 2,
  }));
  return [...watched, ...throttles];
}

function errorWatch(name: FunctionName, made: LambdaFunction): Watch {
  return {
    name: `${name}-errors`,
    why: `The function ${name} fails.`,
    metric: percentOf(name, {
      errors: made.metricErrors({ period: PERIOD }),
      calls: made.metricInvocations({ period: PERIOD }),
    }),
    above: ERRORS_PERCENT_MAX,
    periods: 1,
  };
}

function percentOf(
  what: string,
  usingMetrics: Readonly<Record<"errors" | "calls", IMetric>>,
): MathExpression {
  return new MathExpression({
    expression: `IF(errors >= ${ERRORS_MIN}, 100 * errors / calls, 0)`,
    label: `${what}: failed, in percent`,
    period: PERIOD,
    usingMetrics: { ...usingMetrics },
  });
}

/** What the tick measures. If it measures nothing, it does not run, and that is the alarm. */
function ownWatches(): readonly Watch[] {
  const clusters = own(METRIC.clusters);
  const quota = own(METRIC.quota);
  return [
    {
      name: "sweep-age",
      why: "Clusters are not compared with the store any more, or the tick does not run.",
      metric: own(METRIC.sweepAge),
      above: SWEEP_AGE_SECONDS_MAX,
      periods: 3,
      missing: TreatMissingData.BREACHING,
    },
    {
      name: "queue-age",
      why: "Something is due in the store and nobody works on it.",
      metric: own(METRIC.queueAge),
      above: WAKEUP_AGE_SECONDS_MAX,
      periods: 2,
    },
    {
      name: "cluster-quota",
      why: "The account's quota of DSQL clusters is nearly used up; new environments will wait.",
      metric: new MathExpression({
        expression: "100 * clusters / quota",
        label: "clusters in use, percent of the quota",
        period: PERIOD,
        usingMetrics: { clusters, quota },
      }),
      above: QUOTA_PERCENT_MAX,
      periods: 1,
      // Only a sweep counts the clusters; between two of them nothing is known to have changed.
      missing: TreatMissingData.IGNORE,
    },
  ];
}

function own(metricName: string): Metric {
  return new Metric({ namespace: METRICS_NAMESPACE, metricName, statistic: Stats.MAXIMUM, period: PERIOD });
}

function graph(title: string, metric: IMetric, above: number): GraphWidget {
  return new GraphWidget({ title, left: [metric], leftAnnotations: [{ value: above }], width: 8, height: 5 });
}
