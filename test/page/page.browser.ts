import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../support/local-github.ts";
import { startChromium } from "./chromium.ts";

/** Longer than anything here takes on a busy machine, shorter than a test may: so a failure names its line. */
const SHOWN_WITHIN_MS = 20_000;

/** What the fake control plane of DSQL says of its clusters. */
let clusters: unknown[] = [];
let control: Server;
let directory: string;
let github: LocalGitHub;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  control = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(clusters));
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  const { port } = control.address() as AddressInfo;
  directory = await mkdtemp(join(tmpdir(), "offshoot-page-"));
  github = await startLocalGitHub({ directory, flags: { "dsql-control-url": `http://127.0.0.1:${port}` } });
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
  await github?.stop();
  control?.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  clusters = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(SHOWN_WITHIN_MS);
});

afterEach(async () => {
  await page.close();
});

let opened = 0;

/** Opens a pull request past the page, so that each test has its own, and shows it. */
async function showPull(): Promise<string> {
  opened += 1;
  const title = `Change ${opened}`;
  const files = { "migrations/0003_notes.sql": "CREATE TABLE notes (id bigint PRIMARY KEY);\n" };
  const pull = { author: "alice", title, branch: `change-${opened}`, files };
  const { number } = await github.call<{ number: number }>("POST", "/repositories/acme/shop/pulls", pull);
  await page.goto(`${github.ready.pageUrl}/#acme/shop/pull/${number}`);
  await page.getByRole("heading", { name: title }).waitFor();
  return `/repositories/acme/shop/pulls/${number}`;
}

function button(name: string) {
  return page.getByRole("button", { name, exact: true });
}

async function comment(author: string, body: string): Promise<void> {
  await page.getByLabel("Comment as").selectOption(author);
  await page.getByRole("textbox", { name: "Comment" }).fill(body);
  await button("Comment").click();
}

function commentOf(author: string) {
  return page.getByRole("listitem", { name: `Comment of ${author}` });
}

test("a pull request is opened with the example migration", async () => {
  await page.goto(github.ready.pageUrl);
  await button("Open a pull request").click();
  await page.getByLabel("Author").first().selectOption("wendy");
  await page.getByLabel("Title").fill("Add invoices for the shop");
  await button("Open").click();
  await page.getByRole("heading", { name: "Add invoices for the shop" }).waitFor();
  await page.getByRole("link", { name: /Add invoices for the shop.*open.*by wendy/ }).waitFor();
  await page.getByLabel("Commits").getByText("migrations/0003_invoices.sql").waitFor();
});

test("a comment is made as the chosen person", async () => {
  await showPull();
  await comment("rita", "/db status");
  await commentOf("rita").getByText("/db status").waitFor();
  expect(await page.getByRole("textbox", { name: "Comment" }).inputValue()).toBe("");
});

test("a command is put into the comment box by a click", async () => {
  await showPull();
  await button("/db help").click();
  expect(await page.getByRole("textbox", { name: "Comment" }).inputValue()).toBe("/db help");
});

test("the people to comment as show what they may do", async () => {
  await showPull();
  const options = await page.getByLabel("Comment as").getByRole("option").allTextContents();
  expect(options).toEqual(
    expect.arrayContaining(["alice · admin", "wendy · write", "rita · read", "mallory · read"]),
  );
});

test("a migration that DSQL refuses can be pushed", async () => {
  await showPull();
  await button("Push a commit").click();
  await page.getByLabel("What").selectOption("A migration that DSQL refuses");
  await button("Push").click();
  await page.getByLabel("Commits").getByText("migrations/0004_discounts_4.sql").waitFor();
});

test("a pull request is closed and reopened", async () => {
  await showPull();
  await button("Close").click();
  await button("Reopen").click();
  await button("Close").waitFor();
  expect(await button("Reopen").isVisible()).toBe(false);
});

test("a merged pull request cannot be reopened", async () => {
  await showPull();
  await button("Merge").click();
  await page.getByRole("region", { name: "Conversation" }).getByText("merged", { exact: true }).waitFor();
  expect(await button("Reopen").isVisible()).toBe(false);
});

test("what a person may not do is refused with the reason", async () => {
  await showPull();
  await page.getByLabel("Comment as").selectOption("mallory");
  await button("Merge").click();
  await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  expect(await button("Merge").isVisible()).toBe(true);
});

test("what happens elsewhere appears by itself, and opened details stay open", async () => {
  const pull = await showPull();
  await comment("alice", "<details><summary>More</summary>\n\nthe whole story\n</details>");
  await page.getByText("More", { exact: true }).click();
  await github.call("POST", `${pull}/comments`, { author: "wendy", body: "I see" });
  await commentOf("wendy").getByText("I see").waitFor();
  expect(await page.getByText("the whole story").isVisible()).toBe(true);
});

test("a comment cannot run a script on the page", async () => {
  const errors: string[] = [];
  page.on("console", (message) => errors.push(message.text()));
  await showPull();
  await comment(
    "mallory",
    'See <img src="/none.png" onerror="document.title=1"><script>document.title=2</script>',
  );
  await commentOf("mallory").getByText("See").waitFor();
  expect(await page.title()).toBe("Local GitHub · Offshoot");
  expect(errors.filter((error) => error.includes("Content Security Policy"))).toEqual([]);
});

test("a reference in a comment leads to that pull request", async () => {
  await showPull();
  await comment("alice", "like #1");
  await page.getByRole("link", { name: "#1", exact: true }).click();
  await page.getByRole("heading", { name: /#1$/ }).waitFor();
});

test("clusters are shown with their state as it changes", async () => {
  const cluster = {
    identifier: "kiqenqglxyl2snyvkvnj2c3s2e",
    status: "CREATING",
    endpoint: "kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws",
    tags: { Name: "acme/shop pull 1" },
    createdAt: "2026-11-23T14:02:06.000Z",
    running: true,
    connections: 0,
  };
  clusters = [cluster];
  await page.goto(github.ready.pageUrl);
  const item = page.getByRole("complementary", { name: "Clusters" }).getByRole("listitem");
  await item.getByText("CREATING").waitFor();
  expect(await item.textContent()).toContain("acme/shop #1");
  clusters = [{ ...cluster, status: "ACTIVE", connections: 2 }];
  await item.getByText("ACTIVE").waitFor();
  expect(await item.textContent()).toContain("2 connections");
  clusters = [];
  await item.waitFor({ state: "detached" });
});

test("at 1280 by 800 only the panes scroll", async () => {
  const pull = await showPull();
  await github.call("POST", `${pull}/comments`, { author: "wendy", body: "line\n".repeat(200) });
  await commentOf("wendy").waitFor();
  const overflow = await page.evaluate(
    "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]",
  );
  expect(overflow).toEqual([0, 0]);
  await page.getByRole("textbox", { name: "Comment" }).click();
});
