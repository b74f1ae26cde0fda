import { defineConfig } from "vitest/config";

/** The tests of pages in a real Chromium: apart, because they need one (scripts/install-chromium). */
export default defineConfig({
  test: {
    include: ["test/**/*.browser.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
