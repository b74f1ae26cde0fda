import { type Neighbour, NeighbourError, type Wish } from "./neighbour.ts";
import { PolicyError, parseSessionPolicy } from "./policy.ts";
import type { Identity, Principals } from "./principals.ts";
import { QUERY_CODES, queryAnswer, queryProtocol, unknownAction } from "./query-protocol.ts";
import type { Tree } from "./xml.ts";

/** Bounds of AssumeRole as the API's model has them. */
const MIN_SESSION_SECONDS = 900;
const MAX_SESSION_SECONDS = 43_200;
const DEFAULT_SESSION_SECONDS = 3_600;
const MAX_POLICY_CHARACTERS = 2_048;

/** A role that is assumed by a session of a role. */
const MAX_CHAINED_SECONDS = 3_600;

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/** What AssumeRole takes here. Ignoring another parameter would promise what is not there. */
const MEMBERS = new Set(["RoleArn", "RoleSessionName", "DurationSeconds", "Policy"]);

/** The local STS (AWS' Query protocol): AssumeRole for every role of the account, and GetCallerIdentity. */
export function makeSts(principals: Principals, accountId: string): Neighbour {
  return {
    ...{ ...queryProtocol(NAMESPACE), service: "sts", codes: QUERY_CODES },
    read(_headers, body) {
      const { Action = "", Version: _version, ...input } = Object.fromEntries(new URLSearchParams(body));
      if (Action !== "AssumeRole" && Action !== "GetCallerIdentity") throw unknownAction(Action);
      return { operation: Action, input };
    },
    resourceOf: ({ operation, input }) =>
      operation === "AssumeRole" ? String(input["RoleArn"] ?? "") : undefined,
    run(wish, identity) {
      if (wish.operation === "GetCallerIdentity") return callerIdentity(identity, accountId);
      return assumedRole(principals.issue(readAssumeRole(wish, identity, accountId), new Date()));
    },
  };
}

function readAssumeRole({ input }: Wish, identity: Identity, accountId: string) {
  const other = Object.keys(input).find((name) => !MEMBERS.has(name));
  if (other !== undefined) throw invalid(`${other} is not offered by the local STS`);
  const { RoleArn = "", RoleSessionName = "", DurationSeconds, Policy } = input as Record<string, string>;
  const [, account, roleName] =
    /^arn:aws:iam::(\d{12}):role\/(?:[\w+=,.@/-]+\/)?([\w+=,.@-]{1,64})$/.exec(RoleArn) ?? [];
  if (account === undefined || roleName === undefined) throw invalid(`${RoleArn} is invalid`);
  if (account !== accountId) throw notAuthorized(identity, RoleArn);
  if (!/^[\w+=,.@-]{2,64}$/.test(RoleSessionName)) {
    throw invalid("Value at 'roleSessionName' must have 2 to 64 characters of [\\w+=,.@-]");
  }
  const durationSeconds = readDuration(DurationSeconds, identity);
  const role = { roleArn: RoleArn, roleName, sessionName: RoleSessionName, durationSeconds };
  return Policy === undefined ? role : { ...role, policy: checkPolicy(Policy) };
}

function readDuration(text: string | undefined, { session }: Identity): number {
  const seconds = text === undefined ? DEFAULT_SESSION_SECONDS : Number(text);
  if (!Number.isInteger(seconds) || seconds < MIN_SESSION_SECONDS || seconds > MAX_SESSION_SECONDS) {
    const range = `${MIN_SESSION_SECONDS} to ${MAX_SESSION_SECONDS}`;
    throw invalid(`Value '${text}' at 'durationSeconds' must be from ${range}`);
  }
  if (session && seconds > MAX_CHAINED_SECONDS) {
    throw invalid(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  }
  return seconds;
}

function checkPolicy(policy: string): string {
  if (policy.length > MAX_POLICY_CHARACTERS) {
    throw invalid(`Value at 'policy' must have at most ${MAX_POLICY_CHARACTERS} characters`);
  }
  try {
    parseSessionPolicy(policy);
    return policy;
  } catch (error) {
    if (error instanceof PolicyError) throw new NeighbourError("MalformedPolicyDocument", error.message);
    throw error;
  }
}

function invalid(message: string): NeighbourError {
  return new NeighbourError("ValidationError", message);
}

function notAuthorized({ callerArn }: Identity, roleArn: string): NeighbourError {
  const message = `User: ${callerArn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
  return new NeighbourError("AccessDenied", message, 403);
}

function assumedRole({ accessKeyId, secretAccessKey, callerArn, userId, session }: Identity): string {
  return result("AssumeRole", {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: session?.token ?? "",
      Expiration: new Date(session?.expiresAt ?? 0).toISOString(),
    },
    AssumedRoleUser: { AssumedRoleId: userId, Arn: callerArn },
  });
}

function callerIdentity({ callerArn, userId }: Identity, accountId: string): string {
  return result("GetCallerIdentity", { Arn: callerArn, UserId: userId, Account: accountId });
}

function result(operation: string, members: Tree): string {
  return queryAnswer(NAMESPACE, operation, members);
}
