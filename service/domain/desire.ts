import type { WantedReason } from "./environment.ts";

/** The newest accepted create or destroy comment. */
export interface NewestCommand {
  readonly verb: "create" | "destroy";
  readonly commentedAt: Date;
}

/** What decides whether a pull request's database is wanted. Everything was read from GitHub just now. */
export interface DesireFacts {
  readonly open: boolean;
  readonly merged: boolean;
  readonly closedAt: Date | null;
  readonly headSha: string;
  readonly fork: boolean;
  readonly authorIsBot: boolean;
  readonly command: NewestCommand | null;
  /** A delivery said opened, reopened, pushed or ready for review: without one it was open before we came. */
  readonly activity: boolean;
  readonly existing: {
    readonly wanted: "present" | "absent";
    readonly reason: WantedReason;
    readonly headSha: string;
    readonly wantedAt: Date;
  } | null;
}

export interface Desire {
  readonly wanted: "present" | "absent";
  readonly reason: WantedReason;
}

/**
 * Level-triggered: the same facts give the same answer, in whatever order deliveries came. The newest accepted create
 * or destroy decides against the pull request's own state until a newer one; a create holds while the pull request is
 * open, and for a closed one only if it was written after the closing.
 */
export function decideWanted(facts: DesireFacts): Desire {
  if (facts.fork) return { wanted: "absent", reason: "fork" };
  const { command, existing } = facts;
  if (command?.verb === "destroy") return { wanted: "absent", reason: "command_destroy" };
  const asked =
    command !== null && (facts.open || (facts.closedAt !== null && command.commentedAt > facts.closedAt));
  const api = decideByApi(facts, asked);
  if (api) return api;
  if (existing?.reason === "expired" && (facts.open || asked)) {
    const again = facts.headSha !== existing.headSha;
    const askedAgain = asked && command.commentedAt > existing.wantedAt;
    if (!again && !askedAgain) return { wanted: "absent", reason: "expired" };
  }
  if (asked) return { wanted: "present", reason: "command_create" };
  if (!facts.open) return { wanted: "absent", reason: facts.merged ? "pull_merged" : "pull_closed" };
  if (facts.authorIsBot) return { wanted: "absent", reason: "bot" };
  const known = existing !== null && existing.reason !== "opened_before_installation";
  if (!known && !facts.activity) return { wanted: "absent", reason: "opened_before_installation" };
  return { wanted: "present", reason: "pull_open" };
}

/** What a request to the API asked for holds like a comment: until a newer one, or a closing after it. */
function decideByApi({ open, closedAt, command, existing }: DesireFacts, asked: boolean): Desire | null {
  if (existing?.reason === "api_destroy") {
    const askedSince = asked && command !== null && command.commentedAt > existing.wantedAt;
    return askedSince ? null : { wanted: "absent", reason: "api_destroy" };
  }
  if (existing?.reason !== "api_create" || existing.wanted !== "present") return null;
  const closedSince = !open && (closedAt === null || closedAt > existing.wantedAt);
  return closedSince ? null : { wanted: "present", reason: "api_create" };
}
