import { APP_EVENTS } from "../domain/app-permissions.ts";
import { branchKey, isGitBranch, pullKey } from "../domain/owner.ts";
import type { DeliveryRow } from "./ports.ts";

/** What becomes of a webhook whose signature holds. */
export type Received =
  | { readonly kind: "wanted"; readonly row: DeliveryRow }
  /** Well formed, and nothing to do: a reason code. */
  | { readonly kind: "ignored"; readonly reason: string }
  /** The body is not what its headers claim. */
  | { readonly kind: "invalid"; readonly message: string };

export interface Envelope {
  readonly host: string;
  readonly appId: number;
  readonly guid: string;
  readonly event: string;
  /** The parsed JSON body. */
  readonly payload: unknown;
}

/** Events that are parsed; every other one gets a 2xx unread. */
export const WANTED_EVENTS: ReadonlySet<string> = new Set(APP_EVENTS);

const PULL_ACTIONS = new Set([
  "opened",
  "reopened",
  "synchronize",
  "closed",
  "edited",
  "ready_for_review",
  "converted_to_draft",
]);
/** owner/name as GitHub allows it; a name of dots only would lead an address of its API astray. */
const REPOSITORY_NAME = /^[A-Za-z0-9_-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;
/** A GitHub login has 39 characters; a bot's has its suffix, an enterprise user's may be longer. */
const LOGIN = /^[A-Za-z0-9_-]{1,100}(\[bot\])?$/;
/** A comment without this at the beginning of a line is conversation and writes no row. */
const MAY_BE_COMMAND = /^[ \t`]*\/db\b/im;

const HEADS = "refs/heads/";
/** A git branch's row has this in the place of a pull request's number. */
const NO_NUMBER = 0;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Picks and checks the few fields that the journal keeps. The payload is a hint: nothing is believed but which pull
 * request to look at. Pure; the signature covers the body only, so the body must agree with the claimed event.
 */
export function receive(envelope: Envelope): Received {
  const body = fieldsOf(envelope.payload);
  if (!body) return invalid("The body is not a JSON object.");
  if (envelope.event === "push") return pushEvent(envelope, body);
  const action = body["action"];
  if (typeof action !== "string")
    return invalid(`A ${envelope.event} event has an action; this body has none.`);
  return envelope.event === "pull_request"
    ? pullEvent(envelope, body, action)
    : commentEvent(envelope, body, action);
}

function pullEvent(envelope: Envelope, body: Fields, action: string): Received {
  const pull = fieldsOf(body["pull_request"]);
  const number = body["number"];
  if (!pull || body["comment"] !== undefined || pull["number"] !== number) {
    return invalid("A pull_request event has a pull_request and its number; this body does not.");
  }
  if (!PULL_ACTIONS.has(action)) return ignored("action");
  if (action === "edited" && !fieldsOf(fieldsOf(body["changes"])?.["base"])) return ignored("edit");
  return rowOf(envelope, body, action, { number }, null, loginOf(body["sender"]));
}

function commentEvent(envelope: Envelope, body: Fields, action: string): Received {
  const issue = fieldsOf(body["issue"]);
  const comment = fieldsOf(body["comment"]);
  if (!issue || !comment)
    return invalid("An issue_comment event has an issue and a comment; this body does not.");
  if (action !== "created") return ignored("action");
  if (!fieldsOf(issue["pull_request"])) return ignored("not_a_pull_request");
  const user = fieldsOf(comment["user"]);
  if (user?.["type"] === "Bot" || fieldsOf(body["sender"])?.["type"] === "Bot") return ignored("bot");
  if (typeof comment["body"] !== "string" || !MAY_BE_COMMAND.test(comment["body"]))
    return ignored("no_command");
  if (!isId(comment["id"])) return invalid("The comment has no id.");
  return rowOf(envelope, body, action, { number: issue["number"] }, comment["id"], loginOf(user));
}

/** A push to a git branch, also its deletion. Tags have no environments. */
function pushEvent(envelope: Envelope, body: Fields): Received {
  const ref = body["ref"];
  if (typeof ref !== "string") return invalid("A push event has a ref; this body has none.");
  if (!ref.startsWith(HEADS)) return ignored("not_a_branch");
  const gitBranch = ref.slice(HEADS.length);
  if (!isGitBranch(gitBranch)) return invalid("The ref is not one that git allows.");
  return rowOf(envelope, body, "pushed", { gitBranch }, null, loginOf(body["sender"]));
}

/** What a delivery speaks of within its repository. */
type Thing = { readonly gitBranch: string } | { readonly number: unknown };

function rowOf(
  envelope: Envelope,
  body: Fields,
  action: string,
  thing: Thing,
  commentId: number | null,
  sender: string | null,
): Received {
  const repository = fieldsOf(body["repository"]);
  const repositoryId = repository?.["id"];
  const repositoryName = repository?.["full_name"];
  const installation = fieldsOf(body["installation"]);
  if (!installation) return ignored("no_installation");
  const installationId = installation["id"];
  if (!isId(repositoryId) || typeof repositoryName !== "string" || !REPOSITORY_NAME.test(repositoryName)) {
    return invalid("The repository has no valid id and full_name.");
  }
  if (!isId(installationId)) return invalid("The installation has no valid id.");
  if (sender === null) return invalid("The event has no valid sender.");
  const { host, appId, guid, event } = envelope;
  const placed = placeOf(host, repositoryId, thing);
  if (!placed) return invalid("The pull request has no valid number.");
  const { key, number } = placed;
  const common = { appId, guid, pullKey: key, event, action, installationId, repositoryId, repositoryName };
  return { kind: "wanted", row: { ...common, number, commentId, sender } };
}

function placeOf(host: string, repositoryId: number, thing: Thing) {
  if ("gitBranch" in thing) {
    return { key: branchKey({ host, repositoryId, gitBranch: thing.gitBranch }), number: NO_NUMBER };
  }
  const { number } = thing;
  return isNumber(number) ? { key: pullKey({ host, repositoryId, number }), number } : null;
}

function loginOf(user: unknown): string | null {
  const login = fieldsOf(user)?.["login"];
  return typeof login === "string" && LOGIN.test(login) ? login : null;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** The column is an integer of 32 bits. */
function isNumber(value: unknown): value is number {
  return isId(value) && value <= 2_147_483_647;
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function ignored(reason: string): Received {
  return { kind: "ignored", reason };
}

function invalid(message: string): Received {
  return { kind: "invalid", message };
}
