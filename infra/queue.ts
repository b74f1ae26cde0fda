import { Duration } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { WAKE_TIMEOUT_SECONDS } from "./functions.ts";

/** AWS' advice for a queue that Lambda polls: a message is not shown again while its function may still try. */
const VISIBILITY_TIMEOUTS = 6;
/**
 * A hint is taken this often before it is set aside. The wakeup itself is in the store, and the tick finds it; a message
 * that five tries did not take is one that our code cannot read.
 */
const RECEIVES_MAX = 5;
/** Longer than all tries together, and no longer than a hint is of use. */
const RETENTION_HOURS = 8;
/** SQS keeps nothing longer. */
const DEAD_RETENTION_DAYS = 14;

export interface WakeQueue {
  readonly queue: Queue;
  readonly dead: Queue;
}

/** The queue of hints `{topic, key}`, and where those go that could not be taken. */
export function createWakeQueue(scope: Construct, key: IKey | null): WakeQueue {
  const common = {
    ...(key
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
  };
  const dead = new Queue(scope, "DeadHints", {
    ...common,
    retentionPeriod: Duration.days(DEAD_RETENTION_DAYS),
  });
  const queue = new Queue(scope, "Hints", {
    ...common,
    retentionPeriod: Duration.hours(RETENTION_HOURS),
    visibilityTimeout: Duration.seconds(VISIBILITY_TIMEOUTS * WAKE_TIMEOUT_SECONDS),
    deadLetterQueue: { queue: dead, maxReceiveCount: RECEIVES_MAX },
  });
  return { queue, dead };
}
