import { expect, test } from "vitest";
import { renderMarkdown } from "../../local/github/markdown.ts";

function render(text: string): Promise<string> {
  return renderMarkdown(text, { repository: "acme/shop", pageUrl: "http://page" });
}

test("a mention links to the person", async () => {
  expect(await render("ask @alice.")).toBe(
    '<p>ask <a class="user-mention" href="http://page/alice">@alice</a>.</p>',
  );
});

test("a number links to the pull request of this repository", async () => {
  expect(await render("see #12")).toContain('href="http://page/acme/shop/pull/12">#12</a>');
});

test("a number with a repository links to that repository's pull request", async () => {
  expect(await render("see acme/blog#3")).toContain('href="http://page/acme/blog/pull/3">acme/blog#3</a>');
});

test("a mention within HTML links too, as GitHub looks for them after the HTML was made", async () => {
  expect(await render("<b>&#64;alice</b>")).toContain('href="http://page/alice">@alice</a>');
});

test.each(["`@alice #1`", "~~~\n@alice #1\n~~~", "<pre>@alice #1</pre>"])(
  "code mentions nobody: %s",
  async (text) => {
    expect(await render(text)).not.toContain("<a");
  },
);

test.each(["a#1", "#0", "x@alice", "/@alice", "@-alice", "#12a"])("is no reference: %s", async (text) => {
  expect(await render(text)).not.toMatch(/user-mention|issue-link/);
});

test("every line end is a break, as in comments on GitHub", async () => {
  expect(await render("one\ntwo")).toMatch(/one<br>\s*two/);
});

test("a table in folded details is a table", async () => {
  const html = await render("<details><summary>more</summary>\n\n| a |\n|---|\n| 1 |\n</details>");
  expect(html).toMatch(/<details><summary>more<\/summary>[\s\S]*<td>1<\/td>[\s\S]*<\/details>/);
});

test("a marker in an HTML comment is not shown", async () => {
  expect(await render("<!-- offshoot:v1 env_1 -->\n### Ready")).not.toContain("offshoot");
});

test.each([
  "<script>alert(1)</script>",
  '<img src="x" onerror="alert(1)">',
  "[x](javascript:alert(1))",
  '<a href="javascript:alert(1)">x</a>',
  '<style>*{display:none}</style><p style="position:fixed">x</p>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
])("nothing runs or styles the page: %s", async (text) => {
  expect(await render(text)).not.toMatch(/<script|<style|<iframe|onerror=|style=|href="javascript/);
});
