import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitHub } from "../../service/adapters/github.ts";
import { localGitHubSubject } from "../support/contract-github-local.ts";
import { type LocalGitHub, startLocalGitHub } from "../support/local-github.ts";
import { type GitHubSubject, gitHubContract } from "./github.ts";

describe("with the local GitHub", () => {
  let directory: string;
  let local: LocalGitHub | undefined;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "offshoot-contract-"));
    local = await startLocalGitHub({ directory });
  });
  afterAll(async () => {
    await local?.stop();
    await rm(directory, { recursive: true, force: true });
  });
  gitHubContract("Octokit", async () => {
    if (!local) throw new Error("The local GitHub is not running.");
    return localGitHubSubject(local);
  });
});

describe("a repository whose name another one has taken", () => {
  const NAME = "acme/shop";
  let local: LocalGitHub;
  let subject: GitHubSubject;
  let moved: string;
  let taken: string;
  beforeAll(async () => {
    local = await startLocalGitHub();
    subject = await localGitHubSubject(local);
    const { sha } = await branch();
    moved = sha;
    await local.call("POST", `/repositories/${NAME}/rename`, { name: "store" });
    const files = { "migrations/0001_theirs.sql": "DROP TABLE customers;\n" };
    await local.call("POST", "/repositories", { author: "mallory", name: "shop", files });
    const pushed = { author: "mallory", files: { "README.md": "# theirs\n" } };
    taken = await local
      .call<{ headSha: string }>("POST", `/repositories/${NAME}/branches/main/push`, pushed)
      .then(({ headSha }) => headSha);
  });
  afterAll(() => local?.stop());
  const branch = async (gitBranch = "main") => {
    const found = await subject.github.readBranch(subject.target, gitBranch);
    if (!found) throw new Error(`${gitBranch} is not there.`);
    return found;
  };

  it("keeps its own people", async () => {
    const { github, target, writer } = subject;
    expect(await github.readPermission(target, "mallory")).toMatch(/^(none|read)$/);
    expect(await github.readPermission(target, writer)).toBe("write");
  });

  it("keeps its own git branches", async () => {
    expect(await branch()).toEqual({ sha: moved });
    expect(moved).not.toBe(taken);
  });

  it("keeps its own migrations, and has none of the other's", async () => {
    const { github, target, headSha, files } = subject;
    expect(await github.readMigrations(target, headSha, "migrations")).toEqual(files);
    await expect(github.readMigrations(target, taken, "migrations")).rejects.toMatchObject({
      reason: "commit_missing",
    });
  });

  it("shows no pull request under the name, and nobody writes to the other", async () => {
    const { github, target } = subject;
    expect(await github.readPull(target)).toBeNull();
    const overview = await local.call<{ repositories: { name: string; pulls: unknown[] }[] }>(
      "GET",
      "/overview",
    );
    await expect(github.createComment(target, "hello")).rejects.toMatchObject({ reason: "not_found" });
    expect(overview.repositories.find(({ name }) => name === NAME)?.pulls).toEqual([]);
  });
});

/** A JSON file: the fields of GitHubSubject, and those of GitHubOptions under `options`. */
const file = process.env["OFFSHOOT_CONTRACT_GITHUB_FILE"];
const skipped =
  "skipped: set OFFSHOOT_CONTRACT_GITHUB_FILE to a JSON file that describes an App and a pull request";
if (!file) console.info(`with GitHub: ${skipped}`);

describe.skipIf(!file)(`with GitHub${file ? "" : ` (${skipped})`}`, () => {
  gitHubContract("Octokit", async () => {
    const { options, ...subject } = JSON.parse(readFileSync(file ?? "", "utf8"));
    return { ...(subject as GitHubSubject), github: createGitHub(options), close: async () => undefined };
  });
});
