import type { FastifyInstance } from "fastify";
import { parametersOf, queryOf } from "./access.ts";
import { ApiError, invalid, notFound } from "./api-error.ts";
import {
  base64,
  blobBody,
  branchBody,
  commitBody,
  contentBody,
  gitCommitBody,
  treeBody,
} from "./bodies-git.ts";
import type { Schemas, Site } from "./bodies-repository.ts";
import type { Commit, TreeEntry } from "./git.ts";
import type { Repository } from "./model.ts";
import type { Parts } from "./parts.ts";
import { BASE_BRANCH } from "./state.ts";

/** Files at commits. A commit of a fork is found too: forks share their parent's objects. */
export function addGitRoutes(api: FastifyInstance, { site, state, access }: Parts): void {
  api.get("/repos/:owner/:repo/commits/:ref", (request) => {
    const repository = access.repository(request, "contents:read");
    const { ref = "" } = parametersOf(request);
    const commit = commitAt(repository, ref);
    if (!commit) throw invalid(`No commit found for SHA: ${ref}`);
    return commitBody(site, state, repository, commit);
  });
  api.get("/repos/:owner/:repo/git/commits/:sha", (request) => {
    const repository = access.repository(request, "contents:read");
    const commit = repository.objects.commit(parametersOf(request)["sha"] ?? "");
    if (!commit) throw notFound();
    return gitCommitBody(site, repository, commit);
  });
  api.get("/repos/:owner/:repo/git/trees/:sha", (request) => {
    const repository = access.repository(request, "contents:read");
    const { sha = "" } = parametersOf(request);
    const tree = commitAt(repository, sha)?.tree ?? sha;
    if (!repository.objects.tree(tree)) throw notFound();
    // Whatever its value, even "0" or "false".
    return treeBody(site, repository, tree, queryOf(request)["recursive"] !== undefined);
  });
  api.get("/repos/:owner/:repo/git/blobs/:sha", (request) => {
    const repository = access.repository(request, "contents:read");
    const { sha = "" } = parametersOf(request);
    const bytes = repository.objects.blob(sha);
    if (!bytes) throw notFound();
    return blobBody(site, repository, sha, bytes);
  });
  // The name of a git branch may hold slashes.
  api.get("/repos/:owner/:repo/branches/*", (request) => {
    const repository = access.repository(request, "contents:read");
    const name = parametersOf(request)["*"] ?? "";
    const commit = repository.objects.commit(repository.branches.get(name) ?? "");
    if (!commit) throw new ApiError(404, "Branch not found");
    return branchBody(site, state, repository, name, commit);
  });
  for (const url of ["/repos/:owner/:repo/contents", "/repos/:owner/:repo/contents/*"]) {
    api.get(url, (request) => {
      const repository = access.repository(request, "contents:read");
      const ref = queryOf(request)["ref"] ?? BASE_BRANCH;
      return contents(site, repository, parametersOf(request)["*"] ?? "", ref);
    });
  }
}

/** A file with its text, or the list of a directory. Throws 404. */
function contents(
  site: Site,
  repository: Repository,
  path: string,
  ref: string,
): Schemas["content-file"] | readonly Omit<ReturnType<typeof contentBody>, "content">[] {
  const commit = commitAt(repository, ref);
  const names = path.split("/").filter((name) => name !== "");
  const entry = commit && entryAt(repository, commit.tree, names);
  if (!entry) throw notFound();
  const at = names.join("/");
  if (entry.type === "tree") {
    const entries = repository.objects.tree(entry.sha) ?? [];
    return entries.map((one) => contentBody(site, repository, [...names, one.name].join("/"), ref, one));
  }
  const bytes = repository.objects.blob(entry.sha) ?? Buffer.alloc(0);
  const body = contentBody(site, repository, at, ref, entry);
  return { ...body, type: "file", content: base64(bytes), encoding: "base64" };
}

function entryAt(
  repository: Repository,
  tree: string,
  names: readonly string[],
): Pick<TreeEntry, "type" | "sha"> | undefined {
  let entry: Pick<TreeEntry, "type" | "sha"> | undefined = { type: "tree", sha: tree };
  for (const name of names) {
    entry = repository.objects.tree(entry?.sha ?? "")?.find((one) => one.name === name);
  }
  return entry;
}

/** The commit of a SHA, or the head of a git branch of this repository. */
function commitAt({ objects, branches }: Repository, ref: string): Commit | undefined {
  return objects.commit(ref) ?? objects.commit(branches.get(ref.replace(/^(refs\/)?heads\//, "")) ?? "");
}
