/** What all bundles share. */
import { join } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { migrationFiles } from "../service/adapters/store/migration-files.ts";

export const ROOT = join(import.meta.dirname, "..");

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

/**
 * What the operator's commands take from compose.ts is small; the rest of the service goes, because no module of ours,
 * nor of what it imports, does anything when it is loaded that another one needs.
 */
export const PURE: Plugin = {
  name: "pure",
  setup(to) {
    to.onResolve({ filter: /^[@\w.]/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === "asked" || path.startsWith("node:")) return undefined;
      const { importer, resolveDir, kind, namespace } = rest;
      const found = await to.resolve(path, { importer, resolveDir, kind, namespace, pluginData: "asked" });
      // What cannot be resolved is an optional part, which its package tries and does without.
      if (kind === "entry-point" || found.errors.length > 0) return undefined;
      return { ...found, sideEffects: false };
    });
  },
};
