import { createHmac, randomUUID } from "node:crypto";
import { createRequire } from "node:module";

/** What the servers of this benchmark are given as their webhook secret. */
export const SECRET = "the secret of the benchmark";
/** The size of an ordinary pull_request payload on github.com; the examples have 21 to 27 KB. */
const BODY_BYTES = 24 * 1024;
/** Deliveries are spread over this many pull requests, as those of a busy organization are. */
const PULL_REQUESTS = 200;
/** The guid's place in a request is filled in for each send; every guid has this length. */
const GUID = randomUUID();

/** The payload of a `pull_request` event, with what the benchmarks change in it. */
export type Payload = Readonly<Record<string, unknown>> & {
  readonly pull_request: Readonly<Record<string, unknown>>;
};

interface Example {
  readonly name: string;
  readonly examples: readonly Record<string, unknown>[];
}

/** Gives signed `POST /webhooks/github` requests, each with a guid of its own. */
export interface Deliveries {
  next(): Buffer;
}

/** Signs one body per pull request beforehand, so that sending costs the generator as little as possible. */
export function makeDeliveries(secret: string): Deliveries {
  const templates = bodies().map((body) => {
    const bytes = requestOf(body, secret, GUID);
    return { bytes, guidAt: bytes.indexOf(GUID) };
  });
  // Unique over all runs, because a server may remember earlier ones.
  const run = randomUUID().slice(0, 24);
  let sent = 0;
  return {
    next() {
      const { bytes, guidAt } = templates[sent % templates.length]!;
      sent += 1;
      const request = Buffer.from(bytes);
      request.write(run + sent.toString(16).padStart(12, "0"), guidAt, "latin1");
      return request;
    },
  };
}

/** An `opened` payload for each pull request, padded to the same size. */
function bodies(): readonly Buffer[] {
  const opened = openedExample();
  return Array.from({ length: PULL_REQUESTS }, (_, index) => {
    const number = index + 1;
    return bodyOf({ ...opened, number, pull_request: { ...opened.pull_request, number } });
  });
}

/** The first `opened` payload of an installation in @octokit/webhooks-examples. */
export function openedExample(): Payload {
  const all = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Example[];
  const examples = all.find((one) => one.name === "pull_request")?.examples ?? [];
  const opened = examples.find((one) => one["action"] === "opened" && one["installation"]);
  if (!opened) throw new Error("@octokit/webhooks-examples has no opened pull request of an installation");
  return opened as Payload;
}

/** Its bytes, padded to the size of an ordinary one by the text of the pull request. */
export function bodyOf(payload: Payload): Buffer {
  const pull = { ...payload.pull_request, body: "" };
  const padded = { ...payload, pull_request: pull };
  pull.body = "x".repeat(Math.max(0, BODY_BYTES - Buffer.byteLength(JSON.stringify(padded))));
  return Buffer.from(JSON.stringify(padded));
}

/** The signed request, as it goes over the wire. */
export function requestOf(body: Buffer, secret: string, guid: string): Buffer {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const head = [
    "POST /webhooks/github HTTP/1.1",
    "Host: 127.0.0.1",
    "User-Agent: GitHub-Hookshot/0000000",
    "Accept: */*",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "X-GitHub-Event: pull_request",
    "X-GitHub-Hook-ID: 1",
    `X-GitHub-Delivery: ${guid}`,
    `X-Hub-Signature-256: sha256=${signature}`,
    "\r\n",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
