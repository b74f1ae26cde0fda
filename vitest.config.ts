import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Processes that the tests start, again and again, find our code compiled. Node alone judges what is still true. */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "compiled");

/** What needs no process of ours, so that nothing has to be bundled for it. */
const PLAIN = ["domain", "handlers", "http"].map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than the cores that we have in mind: many tests wait for processes that they started.
    maxWorkers: 3,
    // Files share a worker: loading the code anew for each takes as long as running many, and none changes what is global.
    isolate: false,
    projects: [
      { extends: true, test: { name: "plain", include: PLAIN } },
      {
        extends: true,
        test: {
          name: "processes",
          include: ["test/**/*.test.ts"],
          exclude: PLAIN,
          globalSetup: "test/support/programs.ts",
        },
      },
    ],
  },
});
