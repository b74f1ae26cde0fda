import type { BranchRef, PullRef } from "./owner.ts";

/** DSQL's tag charset: letters, digits, space and _.:/=+-@ ; values up to 256 characters (dsql.md 1.3). */
const TAG_FORBIDDEN = /[^A-Za-z0-9 _.:/=+\-@]/g;
const TAG_VALUE_MAX = 256;

/** The tag that finds a cluster whose create answer was lost. */
export const CLUSTER_TAG = "offshoot:cluster";
/** The tag of everything that is ours. */
export const SERVICE_TAG = "offshoot:service";

/**
 * The tags of a preview cluster. The first four are read by IAM policies and never change; `Name` is display only, so
 * characters that DSQL refuses are replaced rather than refused.
 */
export function previewTags(
  clusterId: string,
  pull: PullRef,
  repositoryName: string,
): Readonly<Record<string, string>> {
  return {
    [SERVICE_TAG]: "offshoot",
    [CLUSTER_TAG]: clusterId,
    "offshoot:kind": "preview",
    "offshoot:repository": tagValue(`${pull.host}/${pull.repositoryId}`),
    Name: tagValue(`${repositoryName} pull ${pull.number}`),
  };
}

/** The tags of a git branch's cluster. */
export function branchTags(
  clusterId: string,
  branch: BranchRef,
  repositoryName: string,
): Readonly<Record<string, string>> {
  return {
    [SERVICE_TAG]: "offshoot",
    [CLUSTER_TAG]: clusterId,
    "offshoot:kind": "preview",
    "offshoot:repository": tagValue(`${branch.host}/${branch.repositoryId}`),
    Name: tagValue(`${repositoryName} branch ${branch.gitBranch}`),
  };
}

/** The tags of a customer's cluster: `offshoot:kind` keeps roles for previews away from it. */
export function tenantTags(clusterId: string, customerKey: string): Readonly<Record<string, string>> {
  return {
    [SERVICE_TAG]: "offshoot",
    [CLUSTER_TAG]: clusterId,
    "offshoot:kind": "tenant",
    Name: tagValue(`tenant ${customerKey}`),
  };
}

/** The default database name: the repository's own name without its owner. Display only. */
export function databaseName(repositoryName: string): string {
  return repositoryName.slice(repositoryName.indexOf("/") + 1);
}

function tagValue(text: string): string {
  return text.replace(TAG_FORBIDDEN, "_").slice(0, TAG_VALUE_MAX);
}
