/** What all bundles share. */
import { join } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { migrationFiles } from "../service/adapters/store/migration-files.ts";

export const ROOT = join(import.meta.dirname, "..");

/** What an entry does not use goes: package.json says that no module of ours does anything by being loaded. */
export const COMMON: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  charset: "utf8",
  legalComments: "none",
  write: true,
  logLevel: "warning",
};

/** The store's migrations, as texts in the place of the file that reads them. */
export const MIGRATIONS: Plugin = {
  name: "migrations",
  setup(to) {
    to.onLoad({ filter: /[\\/]adapters[\\/]store[\\/]migration-files\.ts$/ }, async () => ({
      contents: `const files = ${JSON.stringify(await migrationFiles())};
        export const migrationFiles = async () => files;`,
    }));
  },
};
