import { hasLabels, listingOf } from "../domain/authorize.ts";
import type { JobPlace, Labels } from "../domain/caller.ts";
import type { Environment, OwnerKind } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { tenantOwnerKey } from "../domain/owner.ts";
import { permissionIn, permitted } from "./api-access.ts";
import type { ApiHandlers, EnvironmentFilter, EnvironmentView, PageOf, PageQuery } from "./api-types.ts";
import { viewAll } from "./environment-view.ts";
import { denied } from "./permit.ts";
import type { ApiContext, Caller } from "./ports-api.ts";
import type { EnvironmentFilter as StoreFilter } from "./ports-store.ts";
import { hostOf } from "./targets.ts";

type ListHandlers = Pick<
  ApiHandlers,
  "listTenants" | "listEnvironments" | "tenantEvents" | "environmentEvents"
>;

const ENVIRONMENT_ID = /^env_[0-9a-z]{22}$/;
const EVENT_ID = /^evt_[0-9a-z]{22}$/;

/** Pages: what a caller may not see is never read, so that a page is full and its cursor tells nothing. */
export function createLists(context: ApiContext): ListHandlers {
  const { store } = context;
  return {
    listTenants: (caller, filter) =>
      list(context, caller, "tenant.list", {
        ...filter,
        ...{ owner: "tenant", id: null, repository: null, number: null, gitBranch: null },
      }),
    listEnvironments: (caller, filter) => list(context, caller, "environment.list", filter),
    async tenantEvents(caller, key, page) {
      const found = await store.environmentByOwner(tenantOwnerKey(key));
      return events(context, await permitted(context, caller, "tenant.events", found), page);
    },
    async environmentEvents(caller, id, page) {
      const found = await store.environment(id);
      return events(context, await permitted(context, caller, "environment.events", found), page);
    },
  };
}

async function list(
  context: ApiContext,
  caller: Caller,
  operation: "tenant.list" | "environment.list",
  filter: EnvironmentFilter,
): Promise<PageOf<EnvironmentView>> {
  const listing = listingOf(caller, operation);
  if ("allow" in listing) throw denied(listing);
  const after = cursorOf(filter, ENVIRONMENT_ID);
  if (filter.id !== null) return one(context, caller, filter);
  const narrowed = await narrow(context, caller, listing, filter);
  if (!narrowed) return { items: [], nextCursor: null };
  const limit = filter.limit + 1;
  const pages = await Promise.all(
    narrowed.parts.map((part) => context.store.listEnvironments({ ...part, after, limit })),
  );
  const rows = pages.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  const shown = rows.slice(0, filter.limit);
  const wanted = shown.filter((row) => isShown(row, narrowed));
  const items = await viewAll(context, context.store, wanted);
  return { items, nextCursor: rows.length > filter.limit ? (shown.at(-1)?.id ?? null) : null };
}

async function one(context: ApiContext, caller: Caller, filter: EnvironmentFilter) {
  const found = await context.store.environment(filter.id ?? "");
  const isWanted = found && matches(found, filter);
  const seen = isWanted ? await permitted(context, caller, "environment.get", found).catch(hidden) : null;
  return { items: seen ? await viewAll(context, context.store, [seen]) : [], nextCursor: null };
}

function matches(found: Environment, filter: EnvironmentFilter): boolean {
  return (filter.owner === null || filter.owner === found.kind) && hasLabels(found.labels, filter.labels);
}

/** A list does not show what is hidden; it does not refuse it either. */
function hidden(error: unknown): null {
  if (error instanceof Refused && error.reason === "not_found") return null;
  throw error;
}

type Listing = Exclude<ReturnType<typeof listingOf>, { allow: false }>;
type Part = Omit<StoreFilter, "after" | "limit">;

interface Narrowed {
  readonly parts: readonly Part[];
  readonly labels: Labels;
  readonly place: JobPlace | null;
}

/** The store's lists lead here; a place has few rows, of which the labels are looked at one by one. */
function isShown(row: Environment, { labels, place }: Narrowed): boolean {
  return hasLabels(row.labels, labels) && (place === null || hostOf(row) === place.host);
}

/** What is asked for, within what may be listed, as lists that an index leads through; null if nothing can be in both. */
async function narrow(
  context: ApiContext,
  caller: Caller,
  listing: Listing,
  filter: EnvironmentFilter,
): Promise<Narrowed | null> {
  const { place } = listing;
  const kinds = listing.kinds.filter((kind) => filter.owner === null || filter.owner === kind);
  const labels = { ...filter.labels, ...listing.labels };
  if (kinds.length === 0 || !hasLabels(labels, filter.labels)) return null;
  const repositoryId = await repositoryIdOf(context, caller, listing, filter);
  if (repositoryId === null) return null;
  if (place && repositoryId !== undefined && repositoryId !== place.repositoryId) return null;
  const number = place?.kind === "pull" ? place.number : filter.number;
  const gitBranch = place?.kind === "branch" ? place.gitBranch : filter.gitBranch;
  if (filter.number !== null && filter.number !== number) return null;
  if (filter.gitBranch !== null && filter.gitBranch !== gitBranch) return null;
  const id = place?.repositoryId ?? repositoryId;
  const isPlace = number !== null || gitBranch !== null;
  if (isPlace && id === undefined) {
    const next = "Give ?repository=owner/name too.";
    throw new Refused("invalid_request", `number, gitBranch: they are of a repository. ${next}`);
  }
  const part: Part = {
    // The index of labels does not lead to one pull request or git branch.
    ...(isPlace ? {} : { labels }),
    ...(id === undefined ? {} : { repositoryId: id }),
    ...(number === null ? {} : { number }),
    ...(gitBranch === null ? {} : { gitBranch }),
  };
  return { parts: isAll(kinds) ? [part] : kinds.map((kind) => ({ ...part, kind })), labels, place };
}

function isAll(kinds: readonly OwnerKind[]): boolean {
  return kinds.length === 3;
}

/** Undefined: of any repository. Null: of one that is not there, or that a person has no permission in. */
async function repositoryIdOf(
  context: ApiContext,
  caller: Caller,
  { byRepository }: Listing,
  { repository }: EnvironmentFilter,
): Promise<number | null | undefined> {
  if (repository === null) {
    if (!byRepository) return undefined;
    const next = "Give ?repository=owner/name, or ?url= with the address of a pull request.";
    throw new Refused("invalid_request", `repository: a person lists one repository at a time. ${next}`);
  }
  const target = await context.store.repositoryNamed(context.host, repository);
  if (!target) return null;
  if (byRepository && (await permissionIn(context, caller, target)) === "none") return null;
  return target.repositoryId;
}

async function events({ store }: ApiContext, { id }: Environment, page: PageQuery) {
  const rows = await store.eventsPage(id, cursorOf(page, EVENT_ID), page.limit + 1);
  const items = rows.slice(0, page.limit).map(({ environmentId: _, ...event }) => event);
  return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
}

/** The id that the page begins after; the empty text is before every id. */
function cursorOf({ cursor }: PageQuery, form: RegExp): string {
  if (cursor === null) return "";
  if (form.test(cursor)) return cursor;
  throw new Refused(
    "cursor_invalid",
    "The cursor is not one of this list. Take nextCursor of the page before.",
  );
}
