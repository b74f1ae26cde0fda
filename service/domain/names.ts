import type { BranchRef, PullRef } from "./owner.ts";

/** DSQL's tag charset: letters, digits, space and _.:/=+-@ ; values up to 256 characters (dsql.md 1.3). */
const TAG_FORBIDDEN = /[^A-Za-z0-9 _.:/=+\-@]/g;
export const TAG_VALUE_MAX = 256;

/** The tag that finds a cluster whose create answer was lost. */
export const CLUSTER_TAG = "offshoot:cluster";
/** The tag of everything that is ours. */
export const SERVICE_TAG = "offshoot:service";
/** Whether it is for previews, of a customer, or the store. */
export const KIND_TAG = "offshoot:kind";
/** Whose preview it is: host and id. */
export const REPOSITORY_TAG = "offshoot:repository";

type Tags = Readonly<Record<string, string>>;

/** The tags of a pull request's cluster. */
export function previewTags(clusterId: string, pull: PullRef, repositoryName: string): Tags {
  const repository = { [REPOSITORY_TAG]: tagValue(`${pull.host}/${pull.repositoryId}`) };
  return tagsOf(clusterId, "preview", `${repositoryName} pull ${pull.number}`, repository);
}

/** The tags of a git branch's cluster. */
export function branchTags(clusterId: string, branch: BranchRef, repositoryName: string): Tags {
  const repository = { [REPOSITORY_TAG]: tagValue(`${branch.host}/${branch.repositoryId}`) };
  return tagsOf(clusterId, "preview", `${repositoryName} branch ${branch.gitBranch}`, repository);
}

/** The tags of a customer's cluster: `offshoot:kind` keeps roles for previews away from it. */
export function tenantTags(clusterId: string, customerKey: string): Tags {
  return tagsOf(clusterId, "tenant", `tenant ${customerKey}`, {});
}

/**
 * All but `Name` are read by IAM policies and never change; `Name` is display only, so characters that DSQL refuses are
 * replaced rather than refused.
 */
function tagsOf(clusterId: string, kind: "preview" | "tenant", name: string, more: Tags): Tags {
  return {
    [SERVICE_TAG]: "offshoot",
    [CLUSTER_TAG]: clusterId,
    [KIND_TAG]: kind,
    ...more,
    Name: tagValue(name),
  };
}

/** The default database name: the repository's own name without its owner. Display only. */
export function databaseName(repositoryName: string): string {
  return repositoryName.slice(repositoryName.indexOf("/") + 1);
}

function tagValue(text: string): string {
  return text.replace(TAG_FORBIDDEN, "_").slice(0, TAG_VALUE_MAX);
}
