import { expect, it } from "vitest";
import { Refused } from "../../service/domain/errors.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { type ApiScene, by, createApiScene, KEY } from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  (empty) => {
    base = empty;
    scene = createApiScene(base);
  },
  { max: 16 },
);

/** A generator that a seed repeats (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const file = (at: number) => ({ path: `${at}.sql`, sql: `create table t${at} (id int)` });
/** Requests that a back end may send in any order; a refusal is an answer too. */
const REQUESTS: readonly ((random: () => number) => Promise<unknown>)[] = [
  () => scene.api.putTenant(by(KEY), "acme", { protected: false }, null),
  () => scene.api.deleteTenant(by(KEY), "acme", null),
  () => scene.api.restoreTenant(by(KEY), "acme"),
  (random) => scene.api.patchTenant(by(KEY), "acme", { labels: { n: `${Math.floor(random() * 9)}` } }, null),
  (random) => scene.api.patchTenant(by(KEY), "acme", { protected: random() < 0.5 }, null),
  (random) => {
    const files = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => file(at));
    return scene.api.migrateTenant(by(KEY), "acme", { files });
  },
];

async function ask(random: () => number): Promise<void> {
  const request = REQUESTS[Math.floor(random() * REQUESTS.length)];
  await request?.(random).catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error;
  });
}

it.each([1, 2, 3, 4, 5, 6])(
  "requests between and during steps lose and double nothing (seed %i)",
  async (seed) => {
    const random = chance(seed);
    await scene.api.putTenant(by(KEY), "acme", { protected: false }, null);
    for (let round = 0; round < 12; round += 1) {
      await Promise.all([scene.step(), ask(random), random() < 0.5 ? ask(random) : scene.step()]);
    }
    await scene.work();
    const shown = await scene.api.getTenant(KEY, "acme");
    const left = [...scene.aws.clusters.values()].filter(({ status }) => status === "usable");
    const isPresent = shown.wanted === "present";
    expect(left).toHaveLength(shown.phase === "destroyed" ? 0 : 1);
    expect(isPresent ? ["ready", "failed"] : ["retired", "destroyed"]).toContain(shown.phase);
    expect(left.map(({ fenced }) => fenced)).toEqual(left.map(() => !isPresent));
    expect(left.map((one) => one.deletionProtected)).toEqual(left.map(() => shown.protected));
    expect(left.map(({ identifier }) => identifier)).toEqual(left.map(() => shown.endpoint?.identifier));
  },
);
