/** What `offshoot doctor` checks where the service's own variables are set. */
import { openAccount } from "../../adapters/account.ts";
import { createApps } from "../../adapters/github-apps.ts";
import { type Config, readConfig, readStoreConfig } from "../../config.ts";
import { missingGrantsText } from "../../domain/app-permissions.ts";
import { Refused } from "../../domain/errors.ts";
import { troubledText } from "../../domain/troubled.ts";
import { clusterRows } from "../../handlers/sweep.ts";
import { withSecrets } from "../../setup.ts";
import { type Check, clockText, type Finding, findingsOf } from "../findings.ts";
import { type Io, shown } from "../terminal.ts";
import { pausedText } from "./confirm.ts";
import { awsChecks } from "./doctor-aws.ts";
import { storeRoleChecks } from "./doctor-store.ts";
import { withStore } from "./store.ts";

const NEXT = {
  configuration:
    "The README lists every variable; the App's may also stand in OFFSHOOT_SECRETS_FILE or OFFSHOOT_SECRETS_ARN.",
  store:
    "Check OFFSHOOT_STORE_URL and the network, for DSQL the right to dsql:DbConnect (dsql:DbConnectAdmin as admin), and run offshoot store migrate if the schema is older.",
  brake: "docs/runbook.md, The restore brake, says what to look at before offshoot store confirm.",
  work: "Look whether the service runs, and at its log: on Lambda those of wake and tick (docs/runbook.md, queue-age).",
  clusters: "docs/runbook.md, Stacks that do not get on, says what each reason asks for.",
  app: "Check OFFSHOOT_GITHUB_APP_ID, the private key and OFFSHOOT_GITHUB_API_URL.",
  permissions: "An owner of the App grants it there, and an owner of each installation accepts it.",
} as const;

/** Work that is due this long and not done: no process takes it, because all wait at most a lease. */
const LATE_MS = 5 * 60_000;

/** Checks configuration, store, queue, AWS and the GitHub App. Without a whole configuration only the store is asked. */
export async function operatorFindings(given: Io): Promise<Finding[]> {
  const whole = withSecrets(given.env);
  const io = { ...given, env: await whole.catch(() => given.env) };
  const schema = () =>
    withStore(io, async ({ flavour }) => `${flavour} answers, and its schema is this version's`);
  const findings = await findingsOf([
    ["configuration", async () => configurationText(await whole), NEXT.configuration],
    ["store", schema, NEXT.store],
  ]);
  if (findings[1]?.ok) {
    const inside: readonly Check[] = [
      ...storeRoleChecks(io),
      ["restore brake", () => brakeState(io), NEXT.brake],
      ["work", () => oldestWork(io), NEXT.work],
      ["clusters", () => clustersState(io), NEXT.clusters],
    ];
    findings.push(...(await findingsOf(inside)));
  }
  if (!findings[0]?.ok) return findings;
  const config = readConfig(io.env);
  const account = openAccount();
  try {
    return [...findings, ...(await findingsOf([...awsChecks(config, account), ...appChecks(config)]))];
  } finally {
    account.close();
  }
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

async function clustersState(io: Io): Promise<string> {
  const { account, region } = readStoreConfig(io.env).aws;
  const rows = await withStore(io, ({ store }) => clusterRows({ store, policy: { account, region } }));
  const text = troubledText(rows);
  if (text !== null) throw new Error(shown(text));
  return `none of ${rows.length} waits for a person`;
}

async function oldestWork(io: Io): Promise<string> {
  const due = await withStore(io, ({ store }) => store.nextDue());
  if (due === null) return "nothing is to be done";
  const lateMs = Date.now() - due.getTime();
  if (lateMs < LATE_MS) return `nothing is late; the next look is due at ${due.toISOString()}`;
  const minutes = Math.floor(lateMs / 60_000);
  throw new Error(`The oldest work is due for ${minutes} minutes: no worker takes it.`);
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
    ["GitHub App", async () => `${shown((await asked).slug)} is known at ${github.apiUrl}`, NEXT.app],
    [
      "permissions",
      async () => {
        const grants = await asked;
        const text = missingGrantsText(grants);
        if (text !== null) throw new Error(text);
        return `all granted, in ${grants.installations.length} installations`;
      },
      NEXT.permissions,
    ],
    ["GitHub's clock", async () => clockText((await asked).date, "GitHub"), NEXT.app],
  ];
}
