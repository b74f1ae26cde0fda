import { type Grant, grantKey, grantsFor, READER_ROLE, rolesOf } from "../domain/access.ts";
import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import { Retryable } from "../domain/errors.ts";
import { textDigest } from "../domain/text-digest.ts";
import type { Context } from "./context.ts";
import type { DatabaseSession, RepositoryTarget } from "./ports.ts";
import type { AccessRow } from "./ports-store.ts";
import type { Step } from "./step.ts";

/** Who may connect to a cluster, and what is known to be mapped there. */
export interface ClusterAccess {
  readonly grants: readonly Grant[];
  /** Roles that grants named once and name no more: what was mapped to them is taken away. */
  readonly formerRoles: readonly string[];
  /** What the row says when everything is mapped. */
  readonly mapped: AccessRow;
  /** Null if nothing was ever mapped. */
  readonly row: AccessRow | null;
}

/** The grants of a cluster: by the operator's list of today, and to the reader role of its stack. */
export function grantsOf(
  { policy }: Pick<Context, "policy">,
  { kind, labels }: Environment,
  { roles }: Pick<Cluster, "roles">,
  target: RepositoryTarget | null,
): readonly Grant[] {
  const owner = { kind, labels, repositoryName: target?.repositoryName ?? null };
  return grantsFor(owner, policy.access, roles ? [roles.reader] : []);
}

/** What is wanted and known of a cluster's access; null if nothing is mapped there and nothing is to be. */
export async function readAccess(
  context: Context,
  environment: Environment,
  cluster: Cluster,
  target: RepositoryTarget | null,
): Promise<ClusterAccess | null> {
  const grants = grantsOf(context, environment, cluster, target);
  const row = await context.store.clusterAccess(cluster.id);
  if (grants.length === 0 && (row?.roles.length ?? 0) === 0) return null;
  const roles = rolesOf(grants);
  const known = row?.roles ?? [];
  return {
    grants,
    row,
    formerRoles: known.filter((role) => !roles.includes(role)),
    mapped: {
      clusterId: cluster.id,
      roles: [...new Set([...known, ...roles])].sort(),
      digest: textDigest(grants.map(grantKey).join("\n")),
    },
  };
}

/** Maps roles. Their names are durable first, so that a mapping is taken away whatever becomes of the list. */
export async function mapAccess(step: Step, session: DatabaseSession, access: ClusterAccess): Promise<void> {
  const { grants, formerRoles, mapped, row } = access;
  if (row?.digest !== mapped.digest) {
    await step.hold((tx) => tx.putClusterAccess({ ...mapped, digest: null }));
  }
  await session.mapRoles(grants, formerRoles);
}

/** Lets the reader, if there is one, read what the migrations made. */
export async function grantReading(session: DatabaseSession, { grants }: ClusterAccess): Promise<void> {
  if (rolesOf(grants).includes(READER_ROLE)) await session.grantReads(READER_ROLE);
}

/**
 * Proves that the cluster answers and shows the grants. What it does not show is mapped anew before the error is thrown,
 * so the next try, after its back-off, may succeed. Throws as Databases.verify.
 */
export async function verifyAccess(
  context: Context,
  step: Step,
  environment: Environment,
  cluster: Cluster,
  target: RepositoryTarget | null,
): Promise<void> {
  if (!cluster.endpoint) throw new Error(`Cluster ${cluster.id} is migrated without an endpoint.`);
  try {
    await context.databases.verify(cluster.endpoint, grantsOf(context, environment, cluster, target));
  } catch (error) {
    const access =
      error instanceof Retryable && error.reason === "access_missing"
        ? await readAccess(context, environment, cluster, target)
        : null;
    if (access) await remap(context, step, cluster.endpoint, access);
    throw error;
  }
}

/** Maps a ready cluster anew if the operator's list, the labels or the repository's name have changed since. */
export async function refreshAccess(
  context: Context,
  step: Step,
  environment: Environment,
  cluster: Cluster,
  target: RepositoryTarget | null,
): Promise<void> {
  if (!cluster.endpoint) return;
  const access = await readAccess(context, environment, cluster, target);
  if (access && access.row?.digest !== access.mapped.digest) {
    await remap(context, step, cluster.endpoint, access);
  }
}

async function remap(
  { databases }: Context,
  step: Step,
  endpoint: string,
  access: ClusterAccess,
): Promise<void> {
  const session = await databases.open(endpoint);
  try {
    await mapAccess(step, session, access);
    await grantReading(session, access);
    await step.hold((tx) => tx.putClusterAccess(access.mapped));
  } finally {
    await session.close();
  }
}
