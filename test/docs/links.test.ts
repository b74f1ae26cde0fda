import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const docs = (await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "SECURITY.md", ...docs.map((name) => join("docs", name))];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** As GitHub makes the anchor of a heading. */
function anchorsOf(page: string): readonly string[] {
  const headings = read(page).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** The tests that a page names, each with the titles that it quotes of it. */
function quoted(page: string): readonly (readonly [file: string, titles: readonly string[]])[] {
  const found = read(page).matchAll(/`(test\/[\w./-]+\.test\.ts)`((?:\s"[^"]+")*)/g);
  return [...found].map(([, file = "", titles = ""]) => [
    file,
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title.replace(/\s+/g, " ")),
  ]);
}

it.each(pages)("%s names and links only what exists", (page) => {
  const text = read(page);
  const named = [...text.matchAll(/`((?:test|docs|scripts|infra|service|local)\/[\w./-]+)`/g)].map(
    ([, path]) => String(path),
  );
  const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(
    ([, path, anchor]) => [path ? join(dirname(page), path) : page, anchor ?? null] as const,
  );
  const missing = [...named, ...links.map(([path]) => path)].filter((path) => !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
  const astray = links.filter(([path, anchor]) => anchor !== null && !anchorsOf(path).includes(anchor));
  expect(astray).toEqual([]);
});

describe("SECURITY.md", () => {
  it("quotes titles that its tests have", () => {
    const all = quoted("SECURITY.md");
    expect(all.length).toBeGreaterThan(30);
    const missing = all.flatMap(([file, titles]) =>
      titles.filter((title) => !read(file).includes(title)).map((title) => `${file}: ${title}`),
    );
    expect(missing).toEqual([]);
  });

  it("has in every row of a table a test with a title, or says that there is none", () => {
    const rows = [...read("SECURITY.md").matchAll(/^\| (?!who \||role \||-).*\|$/gm)].map(([row]) => row);
    expect(rows.length).toBeGreaterThan(30);
    const bare = rows.filter((row) => !/`test\/[^`]+` "|No test|\| (?:the same|as above) \|$/.test(row));
    expect(bare).toEqual([]);
  });
});
