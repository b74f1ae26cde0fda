import { fileBody } from "./bodies-pull.ts";
import { nodeId, type Schemas, type Site, timeText, userBody } from "./bodies-repository.ts";
import { type Commit, diffFiles, type TreeEntry } from "./git.ts";
import { fullName, type Repository } from "./model.ts";
import type { State } from "./state.ts";

/** Base64 as GitHub wraps it. */
const BASE64_LINE = /.{1,60}/g;
const UNSIGNED = {
  verified: false,
  reason: "unsigned",
  signature: null,
  payload: null,
  verified_at: null,
} as const;

export function gitCommitBody(site: Site, repository: Repository, commit: Commit): Schemas["git-commit"] {
  const { sha, message, tree, parents } = commit;
  const { api, web } = urlsOf(site, repository);
  const person = { name: commit.author, email: commit.email, date: timeText(commit.at) };
  return {
    ...{
      sha,
      node_id: nodeId("Commit", sha),
      url: `${api}/git/commits/${sha}`,
      html_url: `${web}/commit/${sha}`,
    },
    ...{ author: person, committer: person, message, verification: { ...UNSIGNED } },
    tree: { sha: tree, url: `${api}/git/trees/${tree}` },
    parents: parents.map((parent) => ({
      ...{ sha: parent, url: `${api}/git/commits/${parent}`, html_url: `${web}/commit/${parent}` },
    })),
  };
}

/** A commit with who made it and what it changed. */
export function commitBody(
  site: Site,
  state: State,
  repository: Repository,
  commit: Commit,
): Schemas["commit"] {
  const { sha, parents } = commit;
  const { api, web } = urlsOf(site, repository);
  const { author, committer, message, tree, verification } = gitCommitBody(site, repository, commit);
  const account = state.account(commit.author);
  const user = account ? userBody(site, account) : null;
  const url = `${api}/commits/${sha}`;
  const { objects } = repository;
  const files = diffFiles(objects.files(parents[0] ?? ""), objects.files(sha)).map((file) =>
    fileBody(site, repository, sha, file),
  );
  const total = (field: "additions" | "deletions" | "changes") =>
    files.reduce((sum, file) => sum + file[field], 0);
  return {
    ...{ sha, node_id: nodeId("Commit", sha), url, html_url: `${web}/commit/${sha}` },
    ...{ comments_url: `${url}/comments`, author: user, committer: user },
    commit: {
      ...{
        url: `${api}/git/commits/${sha}`,
        author,
        committer,
        message,
        tree,
        comment_count: 0,
        verification,
      },
    },
    parents: parents.map((parent) => ({
      ...{ sha: parent, url: `${api}/commits/${parent}`, html_url: `${web}/commit/${parent}` },
    })),
    stats: { additions: total("additions"), deletions: total("deletions"), total: total("changes") },
    files,
  };
}

/** A git branch with its head. Nothing here is protected. */
export function branchBody(
  site: Site,
  state: State,
  repository: Repository,
  name: string,
  head: Commit,
): Schemas["branch-with-protection"] {
  const { api, web } = urlsOf(site, repository);
  const encoded = name.split("/").map(encodeURIComponent).join("/");
  const self = `${api}/branches/${encoded}`;
  return {
    ...{ name, commit: commitBody(site, state, repository, head), protected: false },
    _links: { self, html: `${web}/tree/${encoded}` },
    protection: {
      enabled: false,
      required_status_checks: { enforcement_level: "off", contexts: [], checks: [] },
    },
    protection_url: `${self}/protection`,
  };
}

export function treeBody(
  site: Site,
  repository: Repository,
  sha: string,
  recursive: boolean,
): Schemas["git-tree"] {
  const { api } = urlsOf(site, repository);
  const entries = (treeSha: string, prefix: string): Schemas["git-tree"]["tree"] =>
    (repository.objects.tree(treeSha) ?? []).flatMap((entry) => {
      const path = prefix + entry.name;
      const own = entryBody(api, repository, entry, path);
      return recursive && entry.type === "tree" ? [own, ...entries(entry.sha, `${path}/`)] : [own];
    });
  return { sha, url: `${api}/git/trees/${sha}`, tree: entries(sha, ""), truncated: false };
}

export function blobBody(site: Site, repository: Repository, sha: string, bytes: Buffer): Schemas["blob"] {
  const { api } = urlsOf(site, repository);
  const url = `${api}/git/blobs/${sha}`;
  const content = base64(bytes);
  return { sha, node_id: nodeId("Blob", sha), size: bytes.length, url, content, encoding: "base64" };
}

/** One file, or the entries of a directory; `content` is only with a file itself. */
export function contentBody(
  site: Site,
  repository: Repository,
  path: string,
  ref: string,
  { type, sha }: Pick<TreeEntry, "type" | "sha">,
) {
  const { api, web } = urlsOf(site, repository);
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const isFile = type === "blob";
  const self = `${api}/contents/${encoded}?ref=${encodeURIComponent(ref)}`;
  const git = `${api}/git/${isFile ? "blobs" : "trees"}/${sha}`;
  const html = `${web}/${isFile ? "blob" : "tree"}/${ref}/${encoded}`;
  return {
    ...{ type: isFile ? ("file" as const) : ("dir" as const), name: path.split("/").at(-1) ?? "", path, sha },
    size: repository.objects.blob(sha)?.length ?? 0,
    ...{ url: self, git_url: git, html_url: html, _links: { self, git, html } },
    download_url: isFile ? `${web}/raw/${ref}/${encoded}` : null,
  };
}

export function base64(bytes: Buffer): string {
  return (bytes.toString("base64").match(BASE64_LINE) ?? []).map((line) => `${line}\n`).join("");
}

function entryBody(api: string, repository: Repository, { mode, type, sha }: TreeEntry, path: string) {
  const isBlob = type === "blob";
  const url = `${api}/git/${isBlob ? "blobs" : "trees"}/${sha}`;
  const size = repository.objects.blob(sha)?.length ?? 0;
  return { path, mode, type, sha, ...(isBlob ? { size } : {}), url };
}

function urlsOf({ apiUrl, pageUrl }: Site, repository: Repository) {
  const name = fullName(repository);
  return { api: `${apiUrl}/repos/${name}`, web: `${pageUrl}/${name}` };
}
