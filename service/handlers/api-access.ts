import type { Operation, Subject } from "../domain/authorize.ts";
import type { Caller } from "../domain/caller.ts";
import type { Environment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { onGitHub } from "./on-github.ts";
import { permit } from "./permit.ts";
import type { Permission, RepositoryTarget } from "./ports.ts";
import type { ApiContext } from "./ports-api.ts";
import { hostOf, repositoryOf } from "./targets.ts";

/** What is asked of, for `authorize`. */
export function subjectOf(environment: Environment | null, permission: Permission): Subject {
  if (!environment) return { kind: "nothing" };
  const { kind, labels, repositoryId, number, gitBranch } = environment;
  if (kind === "tenant") return { kind, labels };
  if (repositoryId === null) return { kind: "nothing" };
  return { kind, host: hostOf(environment), repositoryId, number, gitBranch, labels, permission };
}

/** A person's permission in the environment's repository, asked of GitHub now; `none` for everybody else. */
export async function permissionOf(
  context: ApiContext,
  caller: Caller,
  environment: Environment | null,
): Promise<Permission> {
  if (caller.kind !== "person" || !environment || environment.kind === "tenant") return "none";
  const target = await repositoryOf(context.store, environment);
  return target ? permissionIn(context, caller, target) : "none";
}

/** The same in a repository. Only the host that the person signed in at can say. */
export async function permissionIn(
  context: ApiContext,
  caller: Caller,
  target: RepositoryTarget,
): Promise<Permission> {
  if (caller.kind !== "person" || caller.host !== target.host) return "none";
  try {
    return await onGitHub(context, target, (github) => github.readPermission(target, caller.login));
  } catch (error) {
    // A repository that the App cannot see any more gives nobody any rights.
    if (error instanceof Refused) return "none";
    throw error;
  }
}

/** The environment, if the caller may do that with it. Throws Refused otherwise, the same for what does not exist. */
export async function permitted(
  context: ApiContext,
  caller: Caller,
  operation: Operation,
  environment: Environment | null,
): Promise<Environment> {
  permit(caller, operation, subjectOf(environment, await permissionOf(context, caller, environment)));
  if (!environment) throw new Error(`${operation} was permitted on nothing.`);
  return environment;
}
