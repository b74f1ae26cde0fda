import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Processes that the tests start, again and again, find our code compiled. Node alone judges what is still true. */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "compiled");

/** These files share a worker: loading the code anew for each takes as long as running them, and none changes what is global. */
const SHARED = ["domain", "handlers", "http"].map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than the cores that we have in mind: many tests wait for processes that they started.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: "shared", include: SHARED, isolate: false } },
      {
        extends: true,
        test: {
          name: "own",
          include: ["test/**/*.test.ts"],
          exclude: SHARED,
          globalSetup: "test/support/programs.ts",
        },
      },
    ],
  },
});
