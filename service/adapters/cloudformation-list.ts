/** The stacks that nobody knows, for the sweep. */
import {
  type DescribeStacksCommandOutput,
  type ListStacksCommandOutput,
  type Stack,
  StackStatus,
} from "@aws-sdk/client-cloudformation";
import type { ListedStack } from "../domain/stack.ts";
import { failureOf } from "./cloudformation-failure.ts";

/** All but those that were deleted, which AWS lists for 90 days. */
export const PRESENT = Object.values(StackStatus).filter((status) => status !== "DELETE_COMPLETE");
/** A page has up to 100; the quota of stacks is 2,000, unless somebody has it raised. */
const LIST_PAGES_MAX = 100;
/** One call for each; more than this are a leak that the first of them tell of. */
const DESCRIBED_MAX = 50;

interface Calls {
  list(token: string | undefined): Promise<ListStacksCommandOutput>;
  describe(id: string): Promise<DescribeStacksCommandOutput>;
}

/**
 * A list has no tags, so each stack that is not known is described, one after the other: CloudFormation throttles early.
 * Throws what the SDK throws, rather than leave out a page.
 */
export async function listOthers(
  calls: Calls,
  prefix: string,
  known: ReadonlySet<string>,
): Promise<readonly ListedStack[]> {
  const ids: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
    const { StackSummaries = [], NextToken } = await calls.list(token);
    for (const { StackId, StackName = "" } of StackSummaries) {
      if (StackId && StackName.startsWith(prefix) && !known.has(StackName)) ids.push(StackId);
    }
    token = NextToken;
    if (!token) return describeAll(calls, ids.slice(0, DESCRIBED_MAX));
  }
  throw new Error(`ListStacks did not end after ${LIST_PAGES_MAX} pages.`);
}

async function describeAll(calls: Calls, ids: readonly string[]): Promise<readonly ListedStack[]> {
  const found: ListedStack[] = [];
  for (const id of ids) {
    const stack = await describe(calls, id);
    if (!stack || stack.StackStatus === "DELETE_COMPLETE") continue;
    const tags = Object.fromEntries((stack.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
    found.push({ name: stack.StackName ?? id, status: stack.StackStatus ?? "", tags });
  }
  return found;
}

async function describe(calls: Calls, id: string): Promise<Stack | undefined> {
  try {
    return (await calls.describe(id)).Stacks?.[0];
  } catch (error) {
    if (failureOf(error).kind === "absent") return undefined;
    throw error;
  }
}
