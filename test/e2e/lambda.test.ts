import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { STORE_ROLE } from "../../infra/names.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { playStory } from "../../local/demo/story.ts";
import { OPERATOR } from "../local/dsql/clients.ts";
import { buildBundles, type LambdaService, startLambdaService } from "../support/lambda/service.ts";

const LEASE_SECONDS = "3";

let bundles = "";
let directory = "";
let stack: Stack | null = null;
let service: LambdaService | null = null;

beforeAll(async () => {
  bundles = await buildBundles(await mkdtemp(join(tmpdir(), "offshoot-bundles-")));
}, 60_000);

afterAll(() => rm(bundles, { recursive: true, force: true }));

afterEach(async () => {
  await stack?.stop();
  stack = null;
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<Stack> {
  directory = await mkdtemp(join(tmpdir(), "offshoot-lambda-"));
  stack = await startStack({
    directory,
    dsqlArgs: ["--creating-ms", "200", "--deleting-ms", "200"],
    serviceEnv: {
      OFFSHOOT_LEASE_SECONDS: LEASE_SECONDS,
      // As on AWS: only the deploy step is the store's admin.
      OFFSHOOT_STORE_ROLE: STORE_ROLE,
      OFFSHOOT_STORE_IAM_ROLES: OPERATOR,
    },
    async runService(started) {
      service = await startLambdaService(started, { bundles });
      return service;
    },
  });
  return stack;
}

it("plays the story through functions, queue and ticks only", { timeout: 180_000 }, async () => {
  const running = await start();
  await playStory(running, () => {});
  expect(service?.queue.inspectQueue("dead")?.messages.ready).toEqual([]);
  const log = await readFile(join(directory, "log", "service.log"), "utf8");
  expect(log).not.toContain('"level":50');
});
