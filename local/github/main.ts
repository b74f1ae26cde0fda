import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readNumber } from "../flags.ts";
import { runLocal } from "../run.ts";
import { createAccess } from "./access.ts";
import { createActions } from "./actions.ts";
import { ALL_GRANTS } from "./app.ts";
import { createCredentials } from "./credentials.ts";
import { createDeliveries } from "./deliveries.ts";
import { createDeviceLogins, INTERVAL_SECONDS } from "./device.ts";
import { createFaults } from "./faults.ts";
import { countStart, keptKey, writeKey } from "./home.ts";
import { createJobs } from "./jobs.ts";
import { addLocalApi } from "./local-api.ts";
import { createManifests } from "./manifest.ts";
import type { Change } from "./model.ts";
import { createIssuer } from "./oidc.ts";
import { addPage, createBroadcast } from "./page.ts";
import type { Parts, RecordedCall } from "./parts.ts";
import { addActionsRoutes } from "./routes-actions.ts";
import { addLoginRoutes } from "./routes-login.ts";
import { addManifestPages } from "./routes-manifest.ts";
import { API_PREFIX, addApi, buildServer } from "./server.ts";
import { APP_ID, APP_SLUG, CLIENT_ID, createState, INSTALLATION_ID } from "./state.ts";
import { createWebhooks } from "./webhooks.ts";

/** What the process prints as one line of JSON when it answers. */
export interface LocalGitHubReady {
  ready: true;
  pageUrl: string;
  apiUrl: string;
  appId: number;
  appSlug: string;
  /** Nothing is there without an App. */
  privateKeyFile: string;
  webhookSecret: string;
  installationId: number;
  clientId: string;
  /** The issuer of the OIDC tokens of GitHub Actions' jobs. */
  oidcIssuer: string;
}

interface Flags {
  directory: string;
  port: number;
  webhookUrl?: string;
  webhookSecret: string;
  dsqlControlUrl?: string;
  recordFile?: string;
  deviceIntervalSeconds: number;
  /** Nobody has made the App yet; the manifest flow does. */
  noApp: boolean;
  /** The address to listen on; in a container all of them, because ports are published by its own address. */
  listen: string;
}

/** Where clients reach it, whatever it listens on. */
const ADDRESS = "127.0.0.1";

function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      directory: { type: "string" },
      port: { type: "string", default: "0" },
      "webhook-url": { type: "string" },
      "webhook-secret": { type: "string", default: randomBytes(32).toString("hex") },
      "dsql-control-url": { type: "string" },
      record: { type: "string" },
      "device-interval-seconds": { type: "string", default: String(INTERVAL_SECONDS) },
      "no-app": { type: "boolean", default: false },
      listen: { type: "string", default: ADDRESS },
    },
  });
  const { directory, record } = values;
  if (!directory) throw new Error("--directory <dir> is required: the App's private key is written there");
  if (values["webhook-secret"] === "") throw new Error("--webhook-secret is empty");
  const webhookUrl = readUrl("webhook-url", values["webhook-url"]);
  const dsqlControlUrl = readUrl("dsql-control-url", values["dsql-control-url"]);
  return {
    ...{ directory: resolve(directory), webhookSecret: values["webhook-secret"], noApp: values["no-app"] },
    ...{ port: readNumber("port", values.port, 65_535), listen: values.listen },
    deviceIntervalSeconds: readNumber("device-interval-seconds", values["device-interval-seconds"], 60, 1),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    ...(dsqlControlUrl === undefined ? {} : { dsqlControlUrl }),
    ...(record === undefined ? {} : { recordFile: resolve(record) }),
  };
}

function readUrl(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    throw new Error(`--${name} ${text}: expected an address such as http://127.0.0.1:8080/webhooks/github`);
  }
  return text;
}

/** Starts everything. Out: what to print, and how to stop it all. */
async function start(flags: Flags): Promise<{ ready: LocalGitHubReady; stop(): Promise<void> }> {
  const { directory, webhookUrl, webhookSecret, recordFile, noApp } = flags;
  const site = { apiUrl: "", pageUrl: "" };
  const state = createState(countStart(directory));
  const broadcast = createBroadcast();
  const { apps } = state;
  const deliveries = createDeliveries({
    target: () => ({
      url: apps.current()?.webhookUrl,
      secret: apps.current()?.webhookSecret ?? webhookSecret,
    }),
    done: broadcast.delivered,
  });
  const webhooks = createWebhooks({ site, state, deliveries });
  const tell = (change: Change): void => {
    broadcast.change(change);
    webhooks.change(change);
  };
  const credentials = createCredentials(apps);
  const issuer = createIssuer(site);
  const parts: Parts = {
    ...{
      issuer,
      jobs: createJobs(site, state),
      deviceLogins: createDeviceLogins(credentials, flags.deviceIntervalSeconds),
    },
    ...{ site, state, credentials, deliveries, faults: createFaults() },
    ...{ manifests: createManifests(apps, webhooks.made), installed: webhooks.installed },
    ...{ access: createAccess(state, credentials), actions: createActions(state, tell) },
    ...(recordFile === undefined ? {} : { record: recordTo(recordFile) }),
  };
  const app = buildServer(state);
  addApi(app, parts);
  addLocalApi(app, parts, flags);
  addActionsRoutes(app, parts);
  addLoginRoutes(app, parts);
  addManifestPages(app, parts);
  broadcast.addRoute(app);
  addPage(app);
  const { port } = new URL(await app.listen({ host: flags.listen, port: flags.port }));
  const pageUrl = `http://${ADDRESS}:${port}`;
  const apiUrl = pageUrl + API_PREFIX;
  Object.assign(site, { pageUrl, apiUrl });
  const settings = { ...ALL_GRANTS, name: "Offshoot local", webhookUrl, webhookSecret };
  const made = noApp ? null : apps.make({ ...settings, privateKeyPem: keptKey(directory) });
  if (made) apps.install();
  const privateKeyFile = writeKey(directory, made?.privateKeyPem);
  const identity = {
    ...{ appId: APP_ID, appSlug: APP_SLUG, installationId: INSTALLATION_ID },
    ...{ clientId: CLIENT_ID, oidcIssuer: issuer.url() },
  };
  const stop = async (): Promise<void> => {
    await Promise.all([app.close(), deliveries.close()]);
  };
  return { ready: { ready: true, pageUrl, apiUrl, ...identity, privateKeyFile, webhookSecret }, stop };
}

/** One line per call, written at once: the process may be killed. */
function recordTo(file: string): (call: RecordedCall) => void {
  return (call) => appendFileSync(file, `${JSON.stringify(call)}\n`, { mode: 0o600 });
}

await runLocal((args) => start(readFlags(args)));
