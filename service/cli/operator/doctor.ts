/** What `offshoot doctor` checks where the service's own variables are set. */
import { openAccount } from "../../adapters/account.ts";
import { createClusterControl } from "../../adapters/dsql-control.ts";
import { createCredentials } from "../../adapters/dsql-credentials.ts";
import { createApps } from "../../adapters/github-apps.ts";
import { readQueueDepth } from "../../adapters/queue-depth.ts";
import { type Config, readConfig, readStoreConfig } from "../../config.ts";
import { missingGrantsText } from "../../domain/app-permissions.ts";
import { Refused } from "../../domain/errors.ts";
import { withSecrets } from "../../setup.ts";
import { type Check, clockText, type Finding, findingsOf } from "../findings.ts";
import { type Io, shown } from "../terminal.ts";
import { pausedText } from "./confirm.ts";
import { withStore } from "./store.ts";

/** Work that is due this long and not done: no process takes it, because all wait at most a lease. */
const LATE_MS = 5 * 60_000;

/** Checks configuration, store, queue, AWS and the GitHub App. Without a whole configuration only the store is asked. */
export async function operatorFindings(given: Io): Promise<Finding[]> {
  const whole = withSecrets(given.env);
  const io = { ...given, env: await whole.catch(() => given.env) };
  const findings = await findingsOf([
    ["configuration", async () => configurationText(await whole)],
    [
      "store",
      () => withStore(io, async ({ flavour }) => `${flavour} answers, and its schema is this version's`),
    ],
  ]);
  if (findings[1]?.ok) {
    findings.push(
      ...(await findingsOf([
        ["restore brake", () => brakeState(io)],
        ["work", () => oldestWork(io)],
      ])),
    );
  }
  if (!findings[0]?.ok) return findings;
  const config = readConfig(io.env);
  const outside: readonly Check[] = [
    ...(config.queue.url === null ? [] : [["queue", () => queueText(config)] as const]),
    ["AWS", () => clustersText(config)],
    ["quota", () => quotaText(config)],
    ...appChecks(config),
  ];
  return [...findings, ...(await findingsOf(outside))];
}

function configurationText(env: Io["env"]): string {
  return `complete; the service is reached at ${readConfig(env).api.publicUrl}`;
}

async function brakeState(io: Io): Promise<string> {
  const text = await withStore(io, (opened) => pausedText(io, opened));
  if (text !== null) throw new Error(text);
  const { epoch } = readStoreConfig(io.env);
  if (epoch === null)
    return "off; a restore is noticed only if OFFSHOOT_EPOCH_PARAMETER or OFFSHOOT_EPOCH_FILE is set";
  return `off; the epoch is also kept in ${epoch.kind === "file" ? epoch.path : epoch.name}`;
}

async function oldestWork(io: Io): Promise<string> {
  const due = await withStore(io, ({ store }) => store.nextDue());
  if (due === null) return "nothing is to be done";
  const lateMs = Date.now() - due.getTime();
  if (lateMs < LATE_MS) return `nothing is late; the next look is due at ${due.toISOString()}`;
  const minutes = Math.floor(lateMs / 60_000);
  throw new Error(`The oldest work is due for ${minutes} minutes: no worker takes it. Look at its log.`);
}

async function queueText({ aws, queue }: Config): Promise<string> {
  const { url, endpoint } = queue;
  const { waiting, dead } = await readQueueDepth({
    ...{ region: aws.region, credentials: createCredentials(), url: url ?? "" },
    ...(endpoint ? { endpoint } : {}),
  });
  if (dead) throw new Error(`Messages in the dead-letter queue, which failed too often: ${dead}.`);
  return `about ${waiting} messages wait${dead === null ? "; it has no dead-letter queue" : ", none failed"}`;
}

async function clustersText({ aws, limits }: Config): Promise<string> {
  const { region, dsqlEndpoint } = aws;
  const endpoint = dsqlEndpoint ? { endpoint: dsqlEndpoint } : {};
  const control = createClusterControl({ region, credentials: createCredentials(), ...endpoint });
  try {
    const identifiers = await control.identifiers();
    if (identifiers) return `${identifiers.length} clusters of ${limits.clusterQuota} in ${region}`;
    const next = "Check the credentials, and that the role may dsql:ListClusters.";
    throw new Refused("aws", `The clusters of ${region} cannot be listed. ${next}`);
  } finally {
    control.close();
  }
}

/** What Service Quotas says against what the service believes. */
async function quotaText({ limits }: Config): Promise<string> {
  const account = openAccount();
  try {
    const quota = await account.clusterQuota();
    if (quota === null) return "Service Quotas does not tell which quota is meant";
    if (quota.value >= limits.clusterQuota)
      return `AWS grants ${quota.value} clusters, and OFFSHOOT_CLUSTER_QUOTA is ${limits.clusterQuota}`;
    const next = `Set OFFSHOOT_CLUSTER_QUOTA to ${quota.value}, or ask AWS for more.`;
    throw new Error(`AWS grants ${quota.value} clusters only. ${next}`);
  } catch (error) {
    // A role of the service's own needs no right to ask this.
    if (error instanceof Refused && error.reason === "denied") return "not known: the role may not ask";
    throw error;
  } finally {
    account.close();
  }
}

/** The App itself, what it was granted, and GitHub's clock; GitHub is asked once. */
function appChecks({ github }: Config): readonly Check[] {
  const asked = createApps({ ...github, appUserAgent: "offshoot" })
    .grants(github)
    .then((grants) => {
      if (grants) return grants;
      throw new Refused(
        "github",
        "GitHub knows no such App. Check OFFSHOOT_GITHUB_APP_ID and the private key.",
      );
    });
  // Each check tells it; until they do nobody else listens.
  asked.catch(() => undefined);
  return [
    ["GitHub App", async () => `${shown((await asked).slug)} is known at ${github.apiUrl}`],
    [
      "permissions",
      async () => {
        const grants = await asked;
        const text = missingGrantsText(grants);
        if (text !== null) throw new Error(text);
        return `all granted, in ${grants.installations.length} installations`;
      },
    ],
    ["GitHub's clock", async () => clockText((await asked).date, "GitHub")],
  ];
}
