import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startChromium } from "../../page/chromium.ts";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";

/** Longer than anything here takes on a busy machine, shorter than a test may: so a failure names its line. */
const SHOWN_WITHIN_MS = 20_000;
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

let github: LocalGitHub;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  github = await startLocalGitHub();
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await github?.stop();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(SHOWN_WITHIN_MS);
});
afterEach(() => page.close());

async function post(path: string, body: object): Promise<Record<string, string>> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await fetch(github.ready.pageUrl + path, {
    ...{ method: "POST", headers, body: JSON.stringify(body) },
  });
  return (await answer.json()) as Record<string, string>;
}

const begin = () => post("/login/device/code", { client_id: github.ready.clientId });

/** What the device then learns: the login of a person, or an error. */
async function outcome({ device_code }: Record<string, string>): Promise<string | undefined> {
  const asked = { client_id: github.ready.clientId, device_code, grant_type: GRANT_TYPE };
  const { access_token, error } = await post("/login/oauth/access_token", asked);
  if (error !== undefined) return error;
  const headers = { authorization: `Bearer ${access_token}` };
  const user = await fetch(`${github.ready.apiUrl}/user`, { headers });
  return ((await user.json()) as { login: string }).login;
}

function button(name: string) {
  return page.getByRole("button", { name, exact: true });
}

test("a person types the code and signs in", async () => {
  const codes = await begin();
  await page.goto(String(codes["verification_uri"]));
  await page.getByLabel("Code", { exact: true }).fill(String(codes["user_code"]).toLowerCase());
  await page.getByLabel("Sign in as").selectOption("rita");
  await button("Authorize").click();
  await page.getByText("You are signed in as rita").waitFor();
  expect(await page.getByRole("heading", { name: "Authorize Offshoot" }).isVisible()).toBe(false);
  expect(await outcome(codes)).toBe("rita");
});

test("a code that waits is filled in by a click, and refused", async () => {
  const codes = await begin();
  await page.goto(String(codes["verification_uri"]));
  await button(String(codes["user_code"])).click();
  await button("Cancel").click();
  await page.getByText("Nobody was signed in").waitFor();
  expect(await outcome(codes)).toBe("access_denied");
});

test("a code in the address is filled in, and one that nobody waits with is refused", async () => {
  await page.goto(`${github.ready.pageUrl}/login/device?user_code=ABCD-2345`);
  await page.getByRole("option", { name: "wendy" }).waitFor({ state: "attached" });
  expect(await page.getByLabel("Code", { exact: true }).inputValue()).toBe("ABCD-2345");
  await button("Authorize").click();
  await page.getByRole("alert").getByText("No device waits with the code ABCD-2345").waitFor();
});
