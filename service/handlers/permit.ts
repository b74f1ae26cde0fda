import { authorize, type Denial, type Operation, type Subject } from "../domain/authorize.ts";
import type { Caller } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";

/** What a denial says, by its reason. Nothing here may depend on what exists. */
const DENIALS: Readonly<Record<string, string>> = {
  unauthenticated: "This needs a credential: send `Authorization: Bearer <key or session>`.",
  not_found: "There is no such thing, or this credential may not see it.",
  scope: "This key has no scope for that. Ask the operator for a key with the scope.",
  selector: "The labels must contain those that this key is bound to.",
  permission: "This needs write permission in the repository on GitHub.",
  forbidden: "This credential is for the databases of its repository only.",
};

/** Throws Refused with the reason unless the caller may do it. For what was not found, ask with `{kind: "nothing"}`. */
export function permit(caller: Caller, operation: Operation, subject: Subject): void {
  const decision = authorize(caller, operation, subject);
  if (!decision.allow) throw denied(decision);
}

/** A denial as the error that the API answers. */
export function denied({ reason }: Denial): Refused {
  return new Refused(reason, DENIALS[reason] ?? "This is not allowed.");
}
