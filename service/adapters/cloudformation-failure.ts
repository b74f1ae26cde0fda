import {
  AlreadyExistsException,
  LimitExceededException,
  OperationInProgressException,
  type StackEvent,
  TokenAlreadyExistsException,
} from "@aws-sdk/client-cloudformation";
import type { Unknown } from "../domain/cluster.ts";
import type { StackSeen } from "../domain/stack.ts";
import { isCredentialsError } from "./aws-credentials-error.ts";
import { unknownOf } from "./dsql-failure.ts";

/** What blocks a stack is told in a sentence or two of AWS', not in a dump. */
const CAUSE_CHARACTERS = 400;
/** How CloudFormation's handlers call a full quota, and the status with which DSQL says so. */
const QUOTA = /ServiceLimitExceeded|ServiceQuotaExceeded|Status Code: 402/;
/** The others of an operation are cancelled when one fails; that says nothing. */
const CANCELLED = /cancelled/i;

/** What an error of CloudFormation means. Only AWS' own words prove anything; everything else is `unknown`. */
type Failure =
  | { readonly [K in FailureKind]: { readonly kind: K; readonly cause: string } }[FailureKind]
  | Unknown;

type FailureKind = "absent" | "exists" | "conflict" | "quota" | "refused" | ValidationKind;
type ValidationKind = "absent" | "unchanged" | "protected" | "busy" | "refused";

/**
 * Sorts what the SDK threw. CloudFormation calls nearly everything a ValidationError (status 400), so its message
 * decides; one that is not known is `refused`, never `absent`.
 */
export function failureOf(error: unknown): Failure {
  const unknown = unknownOf(error);
  const { cause } = unknown;
  if (error instanceof AlreadyExistsException) return { kind: "exists", cause };
  if (error instanceof TokenAlreadyExistsException) return { kind: "conflict", cause };
  if (error instanceof LimitExceededException) return { kind: "quota", cause };
  if (error instanceof OperationInProgressException) return { kind: "busy", cause };
  const { name, message } = error instanceof Error ? error : { name: "", message: "" };
  if (name === "ValidationError") return { kind: validationKind(message), cause };
  const status: unknown = Object(Object(error).$metadata).httpStatusCode;
  const isPassing = isCredentialsError(name) || /Throttl|RequestLimit/.test(name);
  const isRefused = (status === 400 || status === 403) && !isPassing;
  return isRefused ? { kind: "refused", cause } : unknown;
}

function validationKind(message: string): ValidationKind {
  if (/does not exist/.test(message)) return "absent";
  if (/No updates are to be performed/.test(message)) return "unchanged";
  if (/TerminationProtection/.test(message)) return "protected";
  return /_IN_PROGRESS/.test(message) ? "busy" : "refused";
}

/**
 * The first failure of the stack's last operation: what came after it are its consequences. `events` newest first, as
 * DescribeStackEvents has them; null if they show none.
 */
export function stackFailure(
  stackId: string,
  events: readonly StackEvent[],
  stackReason: string | null,
): Extract<StackSeen, { kind: "stack" }>["failure"] {
  const begin = events.findIndex((event) => event.PhysicalResourceId === stackId && isBegin(event));
  const operation = begin < 0 ? events : events.slice(0, begin);
  const failed = operation.filter(
    ({ ResourceStatus, ResourceStatusReason = "", PhysicalResourceId }) =>
      ResourceStatus?.endsWith("_FAILED") &&
      !CANCELLED.test(ResourceStatusReason) &&
      PhysicalResourceId !== stackId,
  );
  const first = failed.at(-1);
  const at = operation[0]?.Timestamp;
  if (!at) return null;
  const reason = first?.ResourceStatusReason ?? stackReason ?? "AWS gives no reason.";
  const place = first ? `${first.LogicalResourceId} (${first.ResourceType}): ` : "";
  const isQuota = first?.ResourceType === "AWS::DSQL::Cluster" && QUOTA.test(reason);
  const isDeletion = (event: StackEvent) =>
    event.PhysicalResourceId === stackId && event.ResourceStatus === "DELETE_FAILED";
  return { cause: oneLine(`${place}${reason}`), at, quota: isQuota, tries: events.filter(isDeletion).length };
}

/** The event with which an operation on a stack begins; a rollback belongs to the operation that it takes back. */
function isBegin({ ResourceStatus }: StackEvent): boolean {
  return /^(CREATE|UPDATE|DELETE|IMPORT)_IN_PROGRESS$/.test(ResourceStatus ?? "");
}

function oneLine(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/\d{12}/g, "<account>")
    .slice(0, CAUSE_CHARACTERS);
}
