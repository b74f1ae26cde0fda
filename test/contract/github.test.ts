import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
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
