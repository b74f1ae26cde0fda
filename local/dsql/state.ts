import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";

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
});

const TokenRecord = Type.Object({
  token: Type.String(),
  /** Digest of operation and parameters: the same token with another digest is a conflict. */
  digest: Type.String(),
  answer: Type.Record(Type.String(), Type.Unknown()),
});

const State = Type.Object({
  version: Type.Literal(1),
  clusters: Type.Array(ClusterRecord),
  tokens: Type.Array(TokenRecord),
});

export type ClusterRecord = Type.Static<typeof ClusterRecord>;
export type TokenRecord = Type.Static<typeof TokenRecord>;
export type State = Type.Static<typeof State>;

const FILE = "clusters.json";

/** Reads the state of a directory; a new directory has an empty one. Throws when the file is not ours to read. */
export function loadState(directory: string): State {
  const path = join(directory, FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return { version: 1, clusters: [], tokens: [] };
    }
    throw error;
  }
  try {
    return Value.Parse(State, JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is not a state file of the local DSQL: move it away to start empty`, { cause });
  }
}

/** Replaces the state in one step: after a SIGKILL the file is either the old or the new one. */
export function saveState(directory: string, state: State): void {
  const path = join(directory, FILE);
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeFileSync(file, JSON.stringify(state));
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
