import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const docs = (await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "SECURITY.md", ...docs.map((name) => join("docs", name))];

it.each(pages)("%s names and links only what exists", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");
  const named = [...text.matchAll(/`((?:test|docs|scripts|infra|service|local)\/[\w./-]+)`/g)].map(
    ([, path]) => String(path),
  );
  const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, path]) =>
    join(dirname(page), String(path)),
  );
  const missing = [...named, ...linked].filter((path) => !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});
