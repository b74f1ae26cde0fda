import type { PullRef } from "./owner.ts";

/** What a key may do, as its maker chose. `admin` includes the others and the keys themselves. */
export const SCOPES = ["read", "tenants:write", "environments:write", "tokens", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export type Labels = Readonly<Record<string, string>>;

/** Who asks. Everything that is said of a caller was verified before. */
export type Caller =
  | { readonly kind: "anonymous"; readonly address: string }
  | {
      readonly kind: "key";
      readonly id: string;
      readonly name: string;
      readonly scopes: readonly Scope[];
      /** The key sees and makes only what has all of these labels. */
      readonly selector: Labels | null;
      readonly expiresAt: Date | null;
    }
  /** A CI job: it reaches the environments of its pull request, or of its git branch, and nothing else. */
  | {
      readonly kind: "job";
      readonly id: string;
      readonly name: string;
      readonly place: JobPlace;
      readonly expiresAt: Date;
    }
  /** A person who signed in with GitHub; rights are asked live, per repository. */
  | {
      readonly kind: "person";
      readonly id: string;
      readonly host: string;
      readonly login: string;
      readonly expiresAt: Date;
    };

export type JobPlace =
  | ({ readonly kind: "pull" } & PullRef)
  | {
      readonly kind: "branch";
      readonly host: string;
      readonly repositoryId: number;
      readonly gitBranch: string;
    };

/** How history names an actor: never a secret, and never an address. */
export function actorOf(caller: Caller): string {
  switch (caller.kind) {
    case "anonymous":
      return "anonymous";
    case "key":
      return `key ${caller.id} (${caller.name})`;
    case "job":
      return `job ${caller.name}`;
    case "person":
      return `@${caller.login}`;
  }
}

/** The name under which limits and repeated requests of a caller are counted. */
export function callerKey(caller: Caller): string {
  return caller.kind === "anonymous" ? `address ${caller.address}` : `${caller.kind} ${caller.id}`;
}
