/** The numbers that an installation tells of itself, by their names in CloudWatch: what is measured and what alarms watch. */

export const METRICS_NAMESPACE = "Offshoot";

export const METRIC = {
  /** Since the last sweep ended. */
  sweepAge: "SweepAgeSeconds",
  /** How long the oldest due wakeup has waited. */
  queueAge: "QueueAgeSeconds",
  wakeupsDue: "WakeupsDue",
  /** All of the account and Region, whoever made them. */
  clusters: "ClustersInUse",
  quota: "ClusterQuota",
  sweepFindings: "SweepFindings",
} as const;
