import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { FastifyInstance } from "fastify";

const DIRECTORY = new URL("./page/", import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/**
 * Serves the page: `/` and the addresses that pull requests have on GitHub show it, its style sheets and modules lie
 * beside. Reads the files once; needs no build step.
 */
export async function addPage(app: FastifyInstance): Promise<void> {
  for (const name of await readdir(DIRECTORY)) {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) continue;
    const text = await readFile(new URL(name, DIRECTORY), "utf8");
    for (const path of name === "index.html" ? ["/", "/:owner/:name/pull/:number"] : [`/${name}`]) {
      app.get(path, (_request, reply) =>
        reply.type(contentType).header("cache-control", "no-cache").send(text),
      );
    }
  }
}
