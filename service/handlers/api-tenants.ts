import { hasLabels } from "../domain/authorize.ts";
import type { Caller, Labels } from "../domain/caller.ts";
import { type Environment, newEnvironment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { LABELS_MAX, TENANT_MIGRATIONS_BYTES } from "../domain/limits.ts";
import { tenantOwnerKey } from "../domain/owner.ts";
import { permitted, subjectOf } from "./api-access.ts";
import { endOf, presentAgain, restoreOf } from "./api-ends.ts";
import type { ApiHandlers, TenantPatch, TenantPut, Write } from "./api-types.ts";
import {
  type Change,
  change,
  checkMatch,
  protectClusters,
  record,
  settled,
  started,
  wakeAll,
  write,
} from "./api-write.ts";
import { newId } from "./context.ts";
import { load, viewOne } from "./environment-view.ts";
import { denied, permit } from "./permit.ts";
import type { ApiContext } from "./ports-api.ts";
import type { StoreTransaction } from "./ports-store.ts";

type TenantHandlers = Pick<
  ApiHandlers,
  "putTenant" | "getTenant" | "patchTenant" | "deleteTenant" | "restoreTenant" | "migrateTenant"
>;

/** One database per customer, by the customer's key. Every write is one transaction and one line of history. */
export function createTenants(context: ApiContext): TenantHandlers {
  const byKey = (tx: Pick<StoreTransaction, "environmentByOwner">, key: string) =>
    tx.environmentByOwner(tenantOwnerKey(key));
  return {
    async putTenant(asked, key, put, wait) {
      const answer = await write(context, asked, (tx, now) =>
        putTenant(context, tx, asked.caller, key, put, now),
      );
      return settled(context, answer, wait);
    },
    async getTenant(caller, key) {
      const found = await permitted(context, caller, "tenant.get", await byKey(context.store, key));
      return viewOne(context, context.store, found);
    },
    patchTenant: (asked, key, patch, ifMatch) =>
      write(context, asked, async (tx, now) => {
        const { caller } = asked;
        const found = await permitted(context, caller, "tenant.patch", await byKey(tx, key));
        checkMatch(found, ifMatch);
        if (found.wanted === "absent") checkDeleted(found, patch);
        const patched = await edit(context, tx, caller, found, patchOf(found, patch), now);
        return { status: 200, body: await viewOne(context, tx, patched) };
      }),
    async deleteTenant(asked, key, ifMatch, wait) {
      const answer = await write(context, asked, async (tx, now) => {
        const found = await permitted(context, asked.caller, "tenant.delete", await byKey(tx, key));
        checkMatch(found, ifMatch);
        if (found.protected) {
          const next = 'Lift the protection first: PATCH it with {"protected": false}.';
          throw new Refused("protected", `The customer ${key} is protected from deletion. ${next}`);
        }
        if (found.wanted === "absent") {
          return { status: 202, body: await started(context, tx, asked.caller, found, null, now) };
        }
        const gone = await change(context, tx, asked.caller, found, endOf(found, now), now);
        return { status: 202, body: await started(context, tx, asked.caller, gone, "delete", now) };
      });
      return settled(context, answer, wait);
    },
    async restoreTenant(asked, key, wait) {
      const answer = await write(context, asked, async (tx, now) => {
        const found = await permitted(context, asked.caller, "tenant.restore", await byKey(tx, key));
        const back = await change(
          context,
          tx,
          asked.caller,
          found,
          await restoreOf(context, tx, found, now),
          now,
        );
        return { status: 202, body: await started(context, tx, asked.caller, back, "restore", now) };
      });
      return settled(context, answer, wait);
    },
    async migrateTenant(asked, key, { files }, wait) {
      return settled(context, await migrateTenant(context, asked, key, files), wait);
    },
  };
}

async function putTenant(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  key: string,
  put: TenantPut,
  now: Date,
) {
  const found = await tx.environmentByOwner(tenantOwnerKey(key));
  if (!found || found.endedAt) {
    // A row that has ended belongs to whoever could see it, until it is forgotten; to others it looks like a live one.
    if (found) permit(caller, "tenant.patch", subjectOf(found, "none"));
    permit(caller, "tenant.create", { kind: "tenant", labels: put.labels ?? {} });
    const made = found
      ? await change(context, tx, caller, found, beginAgain(found, put, now), now)
      : await insert(context, tx, caller, key, put, now);
    return { status: 201, body: await started(context, tx, caller, made, "create", now) };
  }
  const existing = await permitted(context, caller, "tenant.patch", found);
  if (existing.wanted === "absent") {
    const next = "Restore it, or put it again when its data is gone.";
    throw new Refused(
      "deleted",
      `The customer ${key} was deleted, and its data is kept for a while. ${next}`,
    );
  }
  const edited = await edit(context, tx, caller, existing, put, now);
  return { status: 200, body: await started(context, tx, caller, edited, null, now) };
}

async function insert(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  key: string,
  put: TenantPut,
  now: Date,
): Promise<Environment> {
  const { labels = {}, limits = {}, until = null, protected: isProtected = true } = put;
  checkUntil(until, now);
  const owner = {
    id: newId(context, "env"),
    kind: "tenant",
    ownerKey: tenantOwnerKey(key),
    customerKey: key,
    database: key,
    author: "",
    wanted: "present",
    wantedReason: "api_create",
    headSha: "",
    until,
    labels,
    limits,
    protected: isProtected,
    wasProtected: isProtected,
  } as const;
  const environment = newEnvironment(owner, now);
  await tx.insertEnvironment(environment);
  await record(context, tx, caller, environment, "tenant_created", null, now);
  await wakeAll(tx, environment, now);
  return environment;
}

/** The same customer anew, after the data of before is gone. */
function beginAgain(found: Environment, put: TenantPut, now: Date): Change {
  const { labels = {}, limits = {}, until = null, protected: isProtected = true } = put;
  checkUntil(until, now);
  const columns = {
    ...presentAgain(found, now),
    ...{
      labels,
      limits,
      until,
      protected: isProtected,
      wasProtected: isProtected,
      headSha: "",
      readyAt: null,
    },
  };
  return { columns, event: "tenant_created" };
}

function patchOf(found: Environment, { labels, ...rest }: TenantPatch): TenantPut {
  if (!labels) return rest;
  const merged = { ...found.labels, ...labels };
  const kept = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ...rest, labels: Object.fromEntries(kept) };
}

/** Changes what may change, if anything does; a change of protection goes on to AWS with the cluster's next step. */
async function edit(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  found: Environment,
  put: TenantPut,
  now: Date,
): Promise<Environment> {
  const changed = Object.entries(put).filter(
    ([name, value]) =>
      JSON.stringify(sorted(value)) !== JSON.stringify(sorted(found[name as keyof TenantPut])),
  );
  if (changed.length === 0) return found;
  if (put.labels) checkLabels(caller, put.labels);
  if (put.until !== undefined) checkUntil(put.until, now);
  const columns = {
    ...Object.fromEntries(changed),
    wasProtected: found.wasProtected || put.protected === true,
    revision: found.revision + 1,
  };
  const detail = changed.map(([name]) => name).join(", ");
  if (put.protected !== undefined) await protectClusters(tx, found, put.protected);
  return change(context, tx, caller, found, { columns, event: "changed", detail }, now);
}

/** What was promised at the delete holds: the data is kept so long, and can be removed then. */
function checkDeleted({ customerKey, limits }: Environment, patch: TenantPatch): void {
  const deleted = `The customer ${customerKey} was deleted`;
  // AWS would refuse to remove it when its time is over, and nobody could use it either.
  if (patch.protected) throw new Refused("deleted", `${deleted}. Restore it first, then protect it.`);
  if (!patch.limits || patch.limits.graceHours === limits.graceHours) return;
  const next = "Restore it first, or leave limits.graceHours as it is.";
  throw new Refused("deleted", `${deleted}, and its data is kept as long as was said then. ${next}`);
}

/** A key that is bound to labels cannot change its way out of them. */
function checkLabels(caller: Caller, labels: Labels): void {
  if (Object.keys(labels).length > LABELS_MAX) {
    throw new Refused("invalid_request", `There may be ${LABELS_MAX} labels.`);
  }
  if (caller.kind !== "key" || hasLabels(labels, caller.selector)) return;
  throw denied({ allow: false, status: 403, reason: "selector" });
}

function checkUntil(until: Date | null, now: Date): void {
  if (until === null || until > now) return;
  throw new Refused(
    "invalid_request",
    `until: ${until.toISOString()} has passed. Give a time to come, or null.`,
  );
}

function sorted(value: unknown): unknown {
  if (value instanceof Date || typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function migrateTenant(
  context: ApiContext,
  asked: Write,
  key: string,
  given: readonly { readonly path: string; readonly sql: string }[],
) {
  const files = given.map(({ path, sql }) => ({ path, text: sql }));
  checkFiles(files);
  const digest = files.length === 0 ? "" : context.secrets.digest(JSON.stringify(files));
  return write(context, asked, async (tx, now) => {
    const { caller } = asked;
    const found = await permitted(
      context,
      caller,
      "tenant.migrate",
      await tx.environmentByOwner(tenantOwnerKey(key)),
    );
    if (found.wanted === "absent")
      throw new Refused("deleted", `The customer ${key} was deleted. Restore it first.`);
    // The same files again are the wish to try a failed statement again.
    const { phase } = await load(tx, found, now);
    if (found.headSha === digest && phase !== "failed") {
      return { status: 200, body: await started(context, tx, caller, found, null, now) };
    }
    // Data of a customer is never rebuilt, so whoever puts the files vouches for what was left half done.
    if (phase === "failed" && found.servingId) await tx.forgetUnfinished(found.servingId);
    if (digest !== "") await tx.putMigrationSet(digest, files, now);
    const { generation, revision } = found;
    const columns = { headSha: digest, generation: generation + 1, revision: revision + 1, wantedAt: now };
    const migrated = await change(
      context,
      tx,
      caller,
      found,
      { columns, event: "migrations_put", detail: digest },
      now,
    );
    return { status: 202, body: await started(context, tx, caller, migrated, "migrate", now) };
  });
}

function checkFiles(files: readonly { readonly path: string; readonly text: string }[]): void {
  const bytes = new TextEncoder().encode(JSON.stringify(files)).byteLength;
  if (bytes > TENANT_MIGRATIONS_BYTES) {
    const most = `${TENANT_MIGRATIONS_BYTES} are allowed`;
    throw new Refused("invalid_request", `files: they have ${bytes} bytes together, as JSON; ${most}.`);
  }
  if (files.some(({ text }) => text.includes("\0"))) {
    throw new Refused("invalid_request", "files: SQL cannot hold the character NUL.");
  }
  if (new Set(files.map(({ path }) => path)).size < files.length) {
    throw new Refused("invalid_request", "files: two have the same path.");
  }
}
