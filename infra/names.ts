/** Names, ARNs and tags that more than one part of the stack uses. */
import { KIND_TAG, SERVICE_TAG } from "../service/domain/names.ts";

/** The tags of the service's own store; no policy on environments' clusters fits its kind. */
export const STORE_TAGS = { [SERVICE_TAG]: "offshoot", [KIND_TAG]: "store", Name: "offshoot store" } as const;

/** Where custom metrics are: functions write them into their logs in CloudWatch's embedded metric format. */
export const METRICS = {
  namespace: "Offshoot",
  /** Seconds since the last sweep ended. */
  sweepAge: "SweepAgeSeconds",
  /** Seconds that the oldest due wakeup has waited. */
  queueAge: "QueueAgeSeconds",
  clusters: "ClustersInUse",
  quota: "ClusterQuota",
} as const;
