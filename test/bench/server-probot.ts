/** A Probot app that does nothing, stores nothing and logs nothing. Probot is installed on demand, see probot.ts. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { pathToFileURL } from "node:url";
import { pino } from "pino";
import { SECRET } from "./deliveries.ts";
import { tellPort } from "./tell-port.ts";

interface ProbotModule {
  readonly Probot: new (options: object) => unknown;
  createNodeMiddleware(app: unknown, options: object): Promise<RequestListener>;
}

const { Probot, createNodeMiddleware } = (await import(
  pathToFileURL(process.env["PROBOT_ENTRY"] ?? "").href
)) as ProbotModule;
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const probot = new Probot({ appId: 1, privateKey, secret: SECRET, log: pino({ level: "silent" }) });
const nothing = (app: { on(event: string, handler: () => void): void }) => app.on("pull_request", () => {});
const middleware = await createNodeMiddleware(nothing, { probot, webhooksPath: "/webhooks/github" });
const server = createServer(middleware);
server.listen(0, "127.0.0.1", () => tellPort(server));
