import type { Caller, JobPlace, Labels, Scope } from "./caller.ts";

/** Everything that can be asked, by name. A request is one of these; `operation.get` follows its environment. */
export const OPERATIONS = [
  "self.get",
  "slots.get",
  "regions.get",
  "tenant.create",
  "tenant.get",
  "tenant.list",
  "tenant.patch",
  "tenant.delete",
  "tenant.restore",
  "tenant.migrate",
  "tenant.token.owner",
  "tenant.token.reader",
  "tenant.events",
  "environment.create",
  "environment.get",
  "environment.list",
  "environment.keep",
  "environment.reset",
  "environment.destroy",
  "environment.restore",
  "environment.token.owner",
  "environment.token.reader",
  "environment.events",
  "operation.get",
  "key.create",
  "key.list",
  "key.revoke",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What it is asked of. `nothing`: there is no such thing, which must look like a thing that is hidden. */
export type Subject =
  | { readonly kind: "system" }
  | { readonly kind: "nothing" }
  | { readonly kind: "tenant"; readonly labels: Labels }
  | {
      readonly kind: "pull" | "branch";
      readonly host: string;
      readonly repositoryId: number;
      readonly number: number | null;
      readonly gitBranch: string | null;
      readonly labels: Labels;
      /** The person's permission in the repository, asked live; `none` for other callers. */
      readonly permission: "admin" | "write" | "read" | "none";
    };

export type Denial = { readonly allow: false; readonly status: 401 | 403 | 404; readonly reason: string };
export type Decision = { readonly allow: true } | Denial;

const ALLOWED: Decision = { allow: true };
const UNAUTHENTICATED: Denial = { allow: false, status: 401, reason: "unauthenticated" };
const HIDDEN: Denial = { allow: false, status: 404, reason: "not_found" };
const forbidden = (reason: string): Denial => ({ allow: false, status: 403, reason });

/** What an operation does to its subject; rights are given by this. */
type Effect = "self" | "get" | "look" | "write" | "token" | "keys";
const LOOKS = new Set(["slots.get", "regions.get", "tenant.list", "environment.list"]);

function effectOf(operation: Operation): Effect {
  if (operation === "self.get") return "self";
  if (operation.startsWith("key.")) return "keys";
  if (operation.includes(".token.")) return "token";
  if (LOOKS.has(operation) || operation.endsWith(".events")) return "look";
  return operation.endsWith(".get") ? "get" : "write";
}

/**
 * Who may do what over what: the one place that says so. Total and pure. 403 follows from caller and operation alone, or
 * from what a person may see anyway; whatever else is refused is hidden, so that no answer tells what exists.
 */
export function authorize(caller: Caller, operation: Operation, subject: Subject): Decision {
  if (caller.kind === "anonymous") return UNAUTHENTICATED;
  const effect = effectOf(operation);
  if (effect === "self") return ALLOWED;
  switch (caller.kind) {
    case "key":
      return ofKey(caller, operation, effect, subject);
    case "job":
      return ofJob(caller.place, operation, subject);
    case "person":
      return ofPerson(operation, effect, subject);
  }
}

type Key = Extract<Caller, { kind: "key" }>;

function ofKey(key: Key, operation: Operation, effect: Effect, subject: Subject): Decision {
  const kinds = subjectsOf(operation);
  if (!kinds.some((kind) => key.scopes.some((scope) => gives(scope, effect, kind))))
    return forbidden("scope");
  if (!isOneOf(kinds, subject.kind)) return HIDDEN;
  if (!key.scopes.some((scope) => gives(scope, effect, subject.kind))) return HIDDEN;
  // A key that is bound to labels could otherwise make one that is not.
  if (effect === "keys" && key.selector) return forbidden("selector");
  if (subject.kind === "system" || subject.kind === "nothing" || hasLabels(subject.labels, key.selector))
    return ALLOWED;
  return operation.endsWith(".create") ? forbidden("selector") : HIDDEN;
}

function gives(scope: Scope, effect: Effect, kind: Subject["kind"]): boolean {
  switch (scope) {
    case "admin":
      return true;
    case "read":
      return effect === "get" || effect === "look";
    case "tokens":
      return effect === "token" || (effect === "get" && kind !== "system");
    case "tenants:write":
      return kind === "tenant" && effect !== "token";
    case "environments:write":
      return (kind === "pull" || kind === "branch") && effect !== "token";
  }
}

/** Over what an operation can be asked. `environment.*` is the view over all owners; only tenants are made as such. */
export function subjectsOf(operation: Operation): readonly Subject["kind"][] {
  if (operation.startsWith("tenant.")) return ["tenant"];
  if (operation === "environment.create") return ["branch"];
  if (operation.startsWith("environment.") || operation === "operation.get")
    return ["pull", "branch", "tenant"];
  return ["system"];
}

const JOB_OPERATIONS = new Set<Operation>([
  "environment.get",
  "environment.list",
  "environment.events",
  "environment.token.owner",
  "environment.token.reader",
  "operation.get",
]);

function ofJob(place: JobPlace, operation: Operation, subject: Subject): Decision {
  if (subject.kind === "system") return forbidden("forbidden");
  return JOB_OPERATIONS.has(operation) && isPlace(subject, place) ? ALLOWED : HIDDEN;
}

function isPlace(subject: Subject, place: JobPlace): boolean {
  if (subject.kind !== "pull" && subject.kind !== "branch") return false;
  if (subject.kind !== place.kind) return false;
  if (subject.host !== place.host || subject.repositoryId !== place.repositoryId) return false;
  return place.kind === "pull" ? subject.number === place.number : subject.gitBranch === place.gitBranch;
}

function ofPerson(operation: Operation, effect: Effect, subject: Subject): Decision {
  if (subject.kind === "system") return forbidden("forbidden");
  if (subject.kind === "nothing" || subject.kind === "tenant") return HIDDEN;
  if (!isOneOf(subjectsOf(operation), subject.kind) || subject.permission === "none") return HIDDEN;
  if (subject.permission !== "read" || effect === "get" || effect === "look") return ALLOWED;
  return operation === "environment.token.reader" ? ALLOWED : forbidden("permission");
}

/** What a list may show: only these kinds, only with these labels, only at this place. */
export interface Listing {
  readonly kinds: readonly ("pull" | "branch" | "tenant")[];
  readonly labels: Labels;
  readonly place: JobPlace | null;
  /** A person lists one repository at a time, because GitHub is asked for the permission in it. */
  readonly byRepository: boolean;
}

/** The bounds of a list, such that everything within them is allowed by `authorize` (a person's repository aside). */
export function listingOf(caller: Caller, operation: "tenant.list" | "environment.list"): Listing | Denial {
  const all = ["pull", "branch", "tenant"] as const;
  const kinds = operation === "tenant.list" ? (["tenant"] as const) : all;
  switch (caller.kind) {
    case "anonymous":
      return UNAUTHENTICATED;
    case "key": {
      const given = kinds.filter((kind) => caller.scopes.some((scope) => gives(scope, "look", kind)));
      if (given.length === 0) return forbidden("scope");
      return { kinds: given, labels: caller.selector ?? {}, place: null, byRepository: false };
    }
    case "job":
      if (operation === "tenant.list") return HIDDEN;
      return { kinds: [caller.place.kind], labels: {}, place: caller.place, byRepository: false };
    case "person":
      if (operation === "tenant.list") return HIDDEN;
      return { kinds: ["pull", "branch"], labels: {}, place: null, byRepository: true };
  }
}

/** Whether the labels have all of the selector's. */
export function hasLabels(labels: Labels, selector: Labels | null): boolean {
  return Object.entries(selector ?? {}).every(
    ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
  );
}

function isOneOf<T>(list: readonly T[], value: T): boolean {
  return list.includes(value);
}
