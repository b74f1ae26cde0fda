import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { openJournal } from "./journal.ts";

const ClusterRecord = Type.Object({
  identifier: Type.String(),
  /** Milliseconds since 1970, as all times here. */
  createdAt: Type.Number(),
  usableAt: Type.Number(),
  /** Set by DeleteCluster: the cluster is DELETING until then and gone afterwards. */
  goneAt: Type.Optional(Type.Number()),
  deletionProtectionEnabled: Type.Boolean(),
  kmsEncryptionKey: Type.Optional(Type.String()),
  tags: Type.Record(Type.String(), Type.String()),
  policy: Type.Optional(Type.Object({ text: Type.String(), version: Type.String() })),
});

const TokenRecord = Type.Object({
  token: Type.String(),
  /** Digest of operation and parameters: the same token with another digest is a conflict. */
  digest: Type.String(),
  answer: Type.Record(Type.String(), Type.Unknown()),
});

const Snapshot = Type.Object({
  version: Type.Literal(1),
  clusters: Type.Array(ClusterRecord),
  tokens: Type.Array(TokenRecord),
});

/** What changed together, as the records are now. */
const Change = Type.Object({
  cluster: Type.Optional(ClusterRecord),
  token: Type.Optional(TokenRecord),
});

export type ClusterRecord = Type.Static<typeof ClusterRecord>;
export type TokenRecord = Type.Static<typeof TokenRecord>;
type Change = Type.Static<typeof Change>;

export interface State {
  clusters: Map<string, ClusterRecord>;
  /** The oldest first. */
  tokens: Map<string, TokenRecord>;
  /** Puts records on file; both or neither of them. */
  save(change: Change): void;
}

const FILE = "clusters.json";

/** Enough for any retry; how long the service remembers tokens is not published. */
const MAX_TOKENS = 5_000;

/** The state of a directory; a new directory has an empty one. Throws when the file is not ours to read. */
export function openState(directory: string): State {
  const clusters = new Map<string, ClusterRecord>();
  const tokens = new Map<string, TokenRecord>();
  const put = ({ cluster, token }: Change): void => {
    if (cluster && isPresent(cluster)) clusters.set(cluster.identifier, cluster);
    if (cluster && !isPresent(cluster)) clusters.delete(cluster.identifier);
    if (token) tokens.set(token.token, token);
    const [oldest] = tokens.size > MAX_TOKENS ? tokens.keys() : [];
    if (oldest !== undefined) tokens.delete(oldest);
  };
  const journal = openJournal<Change>({
    path: join(directory, FILE),
    what: "a state file of the local DSQL",
    load: (source) => {
      const snapshot = Value.Parse(Snapshot, source);
      for (const cluster of snapshot.clusters) put({ cluster });
      for (const token of snapshot.tokens) put({ token });
    },
    apply: (source) => put(Value.Parse(Change, source)),
    snapshot: () => ({ version: 1, clusters: [...clusters.values()], tokens: [...tokens.values()] }),
  });
  const save = (change: Change): void => {
    put(change);
    journal.append(change);
  };
  return { clusters, tokens, save };
}

/** Clusters disappear by time alone. */
export function isPresent({ goneAt }: ClusterRecord, now = Date.now()): boolean {
  return goneAt === undefined || now < goneAt;
}
