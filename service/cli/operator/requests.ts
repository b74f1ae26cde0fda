/** What a person copies to get what is missing: commands, and statements of policies. */

/** Creating a cluster with tags takes both. */
export const CREATE_ACTIONS: readonly string[] = ["dsql:CreateCluster", "dsql:TagResource"];

/** The command that asks AWS for more clusters. */
export function quotaRequest(code: string, desired: number, region: string): string {
  return `aws service-quotas request-service-quota-increase --service-code dsql --quota-code ${code} --desired-value ${desired} --region ${region}`;
}

/** One statement of an IAM policy, as JSON. */
export function statement(actions: readonly string[], resource: string, condition?: object): string {
  const what = { Effect: "Allow", Action: actions, Resource: resource };
  return JSON.stringify(condition ? { ...what, Condition: condition } : what);
}
