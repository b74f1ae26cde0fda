import { policies } from "./policies.ts";
import { conflict, quotaExceeded, validationFailed } from "./service-error.ts";
import {
  type Changed,
  type ClusterDescription,
  openShelf,
  type RegistryOptions,
  randomIdentifier,
  refuseUnlessActive,
  type Shelf,
} from "./shelf.ts";
import type { ClusterRecord, State } from "./state.ts";
import { digestOf } from "./text.ts";

export interface CreateInput {
  deletionProtectionEnabled?: boolean;
  kmsEncryptionKey?: string;
  tags?: Record<string, string>;
  policy?: string;
}

export type UpdateInput = Pick<CreateInput, "deletionProtectionEnabled" | "kmsEncryptionKey">;
export type Registry = ReturnType<typeof openRegistry>;

/** The bound of the API's model. */
const MAX_TAGS = 200;

/**
 * Which clusters exist: the state behind the control plane, kept in a file of `directory`. Every change is on file before it
 * is answered. Methods throw ServiceError.
 */
export function openRegistry(options: RegistryOptions) {
  const shelf = openShelf(options);
  return {
    once: oncePerToken(shelf.state),
    ...reading(shelf),
    ...changing(shelf, options),
    ...tagging(shelf),
    ...policies(shelf),
  };
}

/**
 * Makes a change once per client token: a repeat answers what the first one answered, and a repeat with other parameters is a
 * conflict. Without a token it is just made.
 */
function oncePerToken({ tokens, save }: State) {
  return <Answer extends object>(
    token: string | undefined,
    parameters: unknown,
    change: () => Changed<Answer>,
  ): Answer => {
    const digest = digestOf(parameters);
    const known = token === undefined ? undefined : tokens.get(token);
    if (known && known.digest !== digest)
      throw conflict("The client token was used before with other parameters");
    if (known) return known.answer as Answer;
    const { cluster, answer } = change();
    const record = { digest, answer: { ...answer } as Record<string, unknown> };
    save({ cluster, ...(token === undefined ? {} : { token: { token, ...record } }) });
    return answer;
  };
}

function reading({ present, lookUp, find, describe }: Shelf) {
  return {
    get: (identifier: string): ClusterDescription => describe(find(identifier)),

    /** What exists now, without errors: for whoever routes connections or shows the clusters. */
    lookUp: (identifier: string): ClusterDescription | undefined => {
      const cluster = lookUp(identifier);
      return cluster && describe(cluster);
    },
    all: (): ClusterDescription[] => present().map(describe),

    /** In the order of their identifiers, so that a page's end stays a good start after clusters came or went. */
    list(maxResults: number, after: string): { clusters: ClusterDescription[]; last: string | undefined } {
      const rest = present()
        .filter((cluster) => cluster.identifier > after)
        .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
      const clusters = rest.slice(0, maxResults).map(describe);
      return { clusters, last: rest.length > maxResults ? clusters.at(-1)?.identifier : undefined };
    },
  };
}

/** Changes for `once`, which puts them on file. */
function changing({ present, find, describe }: Shelf, options: RegistryOptions) {
  return {
    /** A store that no call made, as an account has it that was set up before. */
    createStore(identifier: string): Changed<ClusterDescription> {
      const now = Date.now();
      const tags = { "offshoot:service": "offshoot", "offshoot:kind": "store", Name: "offshoot store" };
      const cluster = { identifier, createdAt: now, usableAt: now, deletionProtectionEnabled: true, tags };
      return { cluster, answer: describe(cluster) };
    },

    create({ policy, ...input }: CreateInput): Changed<ClusterDescription> {
      if (present().length >= options.quota) {
        throw quotaExceeded("You have reached the cluster limit.", `${options.quota} clusters`);
      }
      const now = Date.now();
      const cluster: ClusterRecord = {
        ...input,
        identifier: randomIdentifier(),
        createdAt: now,
        usableAt: now + options.creatingMs,
        // The default of the API since its preview; newer models leave it out.
        deletionProtectionEnabled: input.deletionProtectionEnabled ?? true,
        tags: input.tags ?? {},
        ...(policy === undefined ? {} : { policy: { text: policy, version: randomIdentifier() } }),
      };
      // Also with a delay of 0 the answer says CREATING, as the service does.
      return { cluster, answer: { ...describe(cluster), status: "CREATING" } };
    },

    update(identifier: string, input: UpdateInput): Changed<ClusterDescription> {
      const found = find(identifier);
      refuseUnlessActive(found, "updated");
      const cluster = { ...found, ...input };
      return { cluster, answer: describe(cluster) };
    },

    /** Idempotent: removing a cluster that is DELETING answers the same again. */
    remove(identifier: string): Changed<ClusterDescription> {
      const found = find(identifier);
      if (found.goneAt !== undefined) return { cluster: found, answer: describe(found) };
      refuseUnlessActive(found, "deleted");
      if (found.deletionProtectionEnabled) {
        throw validationFailed(
          "deletionProtectionEnabled",
          `Deletion protection is enabled for cluster ${identifier}`,
        );
      }
      const cluster = { ...found, goneAt: Date.now() + options.deletingMs };
      return { cluster, answer: describe(cluster) };
    },
  };
}

/** Both are idempotent. */
function tagging({ state, find }: Shelf) {
  return {
    tag(identifier: string, tags: Record<string, string>): void {
      const cluster = find(identifier);
      const merged = { ...cluster.tags, ...tags };
      if (Object.keys(merged).length > MAX_TAGS)
        throw quotaExceeded(`A cluster may have ${MAX_TAGS} tags.`, identifier);
      state.save({ cluster: { ...cluster, tags: merged } });
    },

    untag(identifier: string, keys: readonly string[]): void {
      const cluster = find(identifier);
      const kept = Object.entries(cluster.tags).filter(([key]) => !keys.includes(key));
      state.save({ cluster: { ...cluster, tags: Object.fromEntries(kept) } });
    },
  };
}
