import { createHash } from "node:crypto";

/** Objects of git, addressed by the SHA-1 that git itself would give them. */
export interface TreeEntry {
  readonly name: string;
  readonly mode: "100644" | "040000";
  readonly type: "blob" | "tree";
  readonly sha: string;
}

export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly email: string;
  readonly at: Date;
  readonly message: string;
}

/** Paths and texts of a commit. */
export type Files = ReadonlyMap<string, string>;
export type Objects = ReturnType<typeof createObjects>;

/** How one path differs between two commits. */
export interface FileChange {
  readonly path: string;
  readonly status: "added" | "removed" | "modified";
  readonly before: string;
  readonly after: string;
}

/** An object store in memory; a fork shares the one of its parent, as on GitHub. */
export function createObjects() {
  const blobs = new Map<string, Buffer>();
  const trees = new Map<string, readonly TreeEntry[]>();
  const commits = new Map<string, Commit>();

  const writeBlob = (text: string): string => {
    const bytes = Buffer.from(text);
    const sha = shaOf("blob", bytes);
    blobs.set(sha, bytes);
    return sha;
  };
  const writeTree = (files: Files): string => {
    const { texts, directories } = splitByDirectory(files);
    const entries: TreeEntry[] = [];
    for (const [name, text] of texts)
      entries.push({ name, mode: "100644", type: "blob", sha: writeBlob(text) });
    for (const [name, inner] of directories)
      entries.push({ name, mode: "040000", type: "tree", sha: writeTree(inner) });
    entries.sort((one, other) => Buffer.compare(sortKey(one), sortKey(other)));
    const sha = shaOf("tree", Buffer.concat(entries.map(treeLine)));
    trees.set(sha, entries);
    return sha;
  };
  const filesIn = (treeSha: string, prefix: string, found: Map<string, string>): Map<string, string> => {
    for (const { name, type, sha } of trees.get(treeSha) ?? []) {
      if (type === "tree") filesIn(sha, `${prefix}${name}/`, found);
      else found.set(prefix + name, String(blobs.get(sha)));
    }
    return found;
  };

  return {
    blob: (sha: string): Buffer | undefined => blobs.get(sha),
    tree: (sha: string): readonly TreeEntry[] | undefined => trees.get(sha),
    commit: (sha: string): Commit | undefined => commits.get(sha),
    /** Writes a commit with all its trees and blobs. The same input gives the same SHA. */
    writeCommit(files: Files, details: Omit<Commit, "sha" | "tree">): Commit {
      const tree = writeTree(files);
      const sha = shaOf("commit", Buffer.from(commitText(tree, details)));
      const commit = { ...details, sha, tree };
      commits.set(sha, commit);
      return commit;
    },
    /** All files of a commit; none if there is no such commit. */
    files(commitSha: string): Map<string, string> {
      return filesIn(commits.get(commitSha)?.tree ?? "", "", new Map());
    },
  };
}

/** What changed from one set of files to another, in the order of the paths. */
export function diffFiles(before: Files, after: Files): readonly FileChange[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): FileChange[] => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    const status = old === undefined ? "added" : now === undefined ? "removed" : "modified";
    return [{ path, status, before: old ?? "", after: now ?? "" }];
  });
}

/** The SHA-1 of a file's text, as git has it. */
export function blobSha(text: string): string {
  return shaOf("blob", Buffer.from(text));
}

function splitByDirectory(files: Files) {
  const texts = new Map<string, string>();
  const directories = new Map<string, Map<string, string>>();
  for (const [path, text] of files) {
    const slash = path.indexOf("/");
    if (slash < 0) {
      texts.set(path, text);
      continue;
    }
    const name = path.slice(0, slash);
    const inner = directories.get(name) ?? new Map<string, string>();
    directories.set(name, inner.set(path.slice(slash + 1), text));
  }
  return { texts, directories };
}

/** Git sorts a directory as if its name ended in a slash. */
function sortKey({ name, type }: TreeEntry): Buffer {
  return Buffer.from(type === "tree" ? `${name}/` : name);
}

/** Inside a tree object the mode of a directory has no leading zero. */
function treeLine({ mode, name, sha }: TreeEntry): Buffer {
  return Buffer.concat([Buffer.from(`${mode.replace(/^0/, "")} ${name}\0`), Buffer.from(sha, "hex")]);
}

function commitText(tree: string, { parents, author, email, at, message }: Omit<Commit, "sha" | "tree">) {
  const who = `${author} <${email}> ${Math.floor(at.getTime() / 1000)} +0000`;
  const lines = [`tree ${tree}`, ...parents.map((sha) => `parent ${sha}`)];
  return [...lines, `author ${who}`, `committer ${who}`, "", message].join("\n");
}

function shaOf(type: string, bytes: Buffer): string {
  return createHash("sha1").update(`${type} ${bytes.length}\0`).update(bytes).digest("hex");
}
