/** Waits for the database of the job's pull request or git branch, and gives the later steps access to it. */
import { readFile } from "node:fs/promises";
import {
  type Client,
  createClient,
  type Environment,
  hasEnded,
  headShaOf,
  jobCredential,
  OffshootError,
  type Token,
} from "../client/client.ts";
import type { Runner } from "./runner.ts";

const WAIT_SECONDS = 600;
const WAIT_SECONDS_MAX = 6 * 3_600;
/** A job's steps connect later than this one runs, so the token lives as long as the API allows. */
const TOKEN_SECONDS = 3_600;
/** Refusals that say that there is no database on purpose. */
const NONE_REASONS: readonly string[] = ["oidc_fork", "oidc_closed"];

interface Inputs {
  readonly url: string;
  readonly audience: string;
  readonly database: string;
  readonly role: "owner" | "reader";
  readonly waitSeconds: number;
}

/** Runs the step. Throws what failed; a place without a database is no failure but the output `skipped`. */
export async function run(runner: Runner): Promise<void> {
  const inputs = inputsOf(runner);
  const requestUrl = runner.env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const requestToken = runner.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  if (!requestUrl || !requestToken) return skip(runner, noIdentityText(runner));
  const { url, audience } = inputs;
  const userAgent = "offshoot-action";
  const onSecret = (secret: string) => runner.mask(secret);
  const getCredential = jobCredential({ url, audience, requestUrl, requestToken, userAgent, onSecret });
  const client = createClient({ url, getCredential, userAgent });
  try {
    const environment = await untilReady(runner, client, inputs);
    if (environment) await giveAccess(runner, client, environment, inputs);
  } catch (error) {
    const none = error instanceof OffshootError && NONE_REASONS.includes(error.reason);
    if (!none) throw error;
    await skip(runner, error.detail);
  }
}

function inputsOf(runner: Runner): Inputs {
  const url = runner.input("url").replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url)) throw new Error("Input url: give the address of the Offshoot service.");
  const role = runner.input("role") || "owner";
  if (role !== "owner" && role !== "reader") throw new Error("Input role: owner or reader.");
  const given = runner.input("wait-seconds");
  const waitSeconds = given === "" ? WAIT_SECONDS : Number(given);
  if (!(Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= WAIT_SECONDS_MAX))
    throw new Error(`Input wait-seconds: a whole number up to ${WAIT_SECONDS_MAX}.`);
  return {
    url,
    role,
    waitSeconds,
    audience: runner.input("audience") || url,
    database: runner.input("database"),
  };
}

/** The ready environment; null if there is none on purpose, which was told. Throws OffshootError. */
async function untilReady(runner: Runner, client: Client, inputs: Inputs): Promise<Environment | null> {
  const deadline = Date.now() + inputs.waitSeconds * 1000;
  const found = await appeared(runner, client, inputs);
  if (!found) {
    await skip(runner, "Offshoot has no database for this place.");
    return null;
  }
  const seconds = Math.max(0, (deadline - Date.now()) / 1000);
  const onChange = ({ phase, id }: Environment) => runner.info(`${id}: ${phase}`);
  const settled = hasEnded(found) ? found : await client.settled(found, { seconds, onChange });
  if (settled.phase === "ready") return settled;
  if (hasEnded(settled)) {
    await skip(runner, `The database is ${settled.phase} (${settled.reason}).`);
    return null;
  }
  const { failure, phase } = settled;
  const file = failure?.file ? ` ${failure.file}${failure.line ? `:${failure.line}` : ""}` : "";
  throw new Error(
    `The database is ${phase}${file}: ${failure?.message ?? "see the pull request's comment."}`,
  );
}

/** The one database of the job's place; null if there is none. */
async function appeared(
  runner: Runner,
  client: Client,
  { database, waitSeconds }: Inputs,
): Promise<Environment | null> {
  const fitting = await client.own({
    headSha: await headShaOf(runner.env, (path) => readFile(path, "utf8")),
    database: database === "" ? undefined : database,
    seconds: waitSeconds,
    onLook: (found) =>
      runner.info(
        found ? `${found.id} is not at this commit yet; looking again` : "No database yet; looking again",
      ),
  });
  const [found = null, ...others] = fitting;
  if (others.length === 0) return found;
  const names = fitting.map(({ owner }) => owner.database).join(", ");
  throw new Error(`There are several databases: ${names}. Choose one by the input database.`);
}

async function giveAccess(
  runner: Runner,
  client: Client,
  environment: Environment,
  { role }: Inputs,
): Promise<void> {
  const token = await client.environments.token(environment.id, { role, seconds: TOKEN_SECONDS });
  runner.mask(token.token);
  for (const [name, value] of Object.entries(variablesOf(token))) await runner.exportVariable(name, value);
  await runner.setOutput("skipped", "false");
  await runner.setOutput("environment-id", environment.id);
  await runner.setOutput("host", token.host);
  await runner.setOutput("user", token.user);
  await runner.setOutput("database", token.database);
  runner.info(`Ready: ${token.host} as ${token.user}, until ${token.expiresAt}`);
}

/** The variables of libpq, and only these: what a service answers must not set PATH or NODE_OPTIONS. */
function variablesOf(token: Token): Record<string, string> {
  const { connectTo } = token;
  const given = Object.entries(token.environment).filter(([name]) => /^PG[A-Z]{1,30}$/.test(name));
  return {
    PGSSLMODE: "verify-full",
    ...Object.fromEntries(given),
    PGHOST: token.host,
    PGPORT: String(connectTo?.port ?? token.port),
    PGUSER: token.user,
    PGDATABASE: token.database,
    PGPASSWORD: token.token,
    ...(connectTo && { PGHOSTADDR: connectTo.address, PGSSLROOTCERT: connectTo.caFile }),
  };
}

async function skip(runner: Runner, why: string): Promise<void> {
  runner.notice(`Skipped: ${why}`);
  await runner.setOutput("skipped", "true");
}

/** A fork's job gets no identity; a job of the repository itself lacks the permission. */
function noIdentityText({ env }: Runner): string {
  return `this ${env["GITHUB_EVENT_NAME"] ?? "job"} has no OIDC token. A pull request from a fork never has one; other jobs need \`permissions: { id-token: write }\`.`;
}
