import { generateKeyPairSync } from "node:crypto";
import { expect, it, onTestFinished } from "vitest";
import { createRedelivery } from "../../service/adapters/github-deliveries.ts";
import { said } from "../support/contract-github.ts";
import { type Answer, type Asked, startScriptedServer } from "../support/contract-server.ts";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** The adapter on a GitHub that answers by the script, until the test is over. */
async function redeliveryWith(script: (asked: Asked) => Answer) {
  const server = await startScriptedServer(script);
  onTestFinished(async () => void (await server.close()));
  const redelivery = createRedelivery({
    ...{ appId: 11, privateKey, apiUrl: server.url, host: "github.test" },
    appUserAgent: "offshoot-test",
  });
  return { redelivery, asked: server.asked };
}

/** More digits than a number holds, as GitHub's ids have had since February 2026. */
const ID = "3804004623172239366";
const LISTED = `{"id":${ID},"guid":"g-1","delivered_at":"2026-05-28T00:58:17.542Z","redelivery":true,"duration":0.1,
  "status":"failed to connect to host","status_code":502,"event":"push","action":null,"installation_id":1,"repository_id":2}`;
const json = (body: string, headers = {}): Answer => ({
  status: 200,
  body,
  headers: { "content-type": "application/json", ...headers },
});

it("asks GitHub for failures only, and reads a page with every digit of its ids", async () => {
  const link = `<https://api.github.test/app/hook/deliveries?per_page=7&status=failure&cursor=v1_12>; rel="next"`;
  const date = "Thu, 28 May 2026 01:00:00 GMT";
  const { redelivery, asked } = await redeliveryWith(() => json(`[${LISTED}]`, { link, date }));
  expect(await redelivery.failed(7, "v1_99")).toEqual({
    attempts: [
      {
        ...{ id: ID, guid: "g-1", event: "push", at: new Date("2026-05-28T00:58:17.542Z") },
        ...{ statusCode: 502, isRepeat: true },
      },
    ],
    next: "v1_12",
    oldest: new Date("2026-05-28T00:58:17.542Z"),
    now: new Date(date),
  });
  expect(asked[0]?.path).toBe("/app/hook/deliveries?per_page=7&status=failure&cursor=v1_99");
});

it("leaves out the successes of a GitHub that does not know the filter", async () => {
  const success = LISTED.replace("failed to connect to host", "OK").replace("00:58", "00:57");
  const { redelivery } = await redeliveryWith(() => json(`[${LISTED},${success}]`));
  const page = await redelivery.failed(7, null);
  expect(page?.attempts).toHaveLength(1);
  expect(page?.oldest).toEqual(new Date("2026-05-28T00:57:17.542Z"));
  expect(page?.next).toBeNull();
});

it.each([400, 404, 422])("says that the cursor is lost when GitHub answers %i for it", async (status) => {
  const { redelivery } = await redeliveryWith(() => said(status, "Invalid cursor"));
  expect(await redelivery.failed(7, "v1_99")).toBeNull();
});

it("throws what GitHub has against a list without a cursor", async () => {
  const { redelivery } = await redeliveryWith(() => said(422, "Invalid request."));
  await expect(redelivery.failed(7, null)).rejects.toMatchObject({ reason: "invalid_request" });
});

it.each([
  [{ status: 202, body: {} }, "asked"],
  [{ status: 202, body: "" }, "asked"],
  [said(404, "Not Found"), "absent"],
  [said(422, "Cannot be redelivered"), "refused"],
])("takes %j for an attempt that was %s", async (answer, outcome) => {
  const { redelivery, asked } = await redeliveryWith(() => answer);
  expect(await redelivery.again(ID)).toBe(outcome);
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `POST /app/hook/deliveries/${ID}/attempts`,
  ]);
});

it.each([
  [said(401, "Bad credentials"), "app_credentials"],
  [said(502, "Bad gateway"), "github_unavailable"],
  [said(429, "Slow down"), "github_rate_limit"],
])("throws %j, because the others would fare no better", async (answer, reason) => {
  const { redelivery } = await redeliveryWith(() => answer);
  await expect(redelivery.again(ID)).rejects.toMatchObject({ reason });
});
