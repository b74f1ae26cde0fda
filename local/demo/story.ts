import { join } from "node:path";
import { DSQLClient, ListClustersCommand } from "@aws-sdk/client-dsql";
import { queryOnce, readConnection, type ShownConnection } from "./connection.ts";
import { openPull, type PullClient, waitFor, waitForReport } from "./pull.ts";
import { type DsqlReady, type GithubReady, LOCAL_CREDENTIALS, type Stack } from "./stack.ts";

const REPOSITORY = "acme/shop";
/** alice administers acme/shop, wendy may write, rita may only read. */
const ADMIN = "alice";
const WRITER = "wendy";
const READER = "rita";

const INVOICES = `-- Invoices, one per order.
CREATE TABLE invoices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer text NOT NULL,
  cents bigint NOT NULL
);

CREATE INDEX invoices_customer_idx ON invoices (customer);
`;
const SEED = "INSERT INTO invoices (customer, cents) VALUES ('first', 1250);\n";

/** Tells one finished step of the story. */
export type Tell = (step: string, detail: string) => void;

export interface StoryOptions {
  /**
   * How long a person tries a query or a list again, in milliseconds. 0: at once or not at all, because ready means
   * ready; more only where the test itself takes the database away.
   */
  readonly patienceMs: number;
}

/** As much of a stack as the story reads. */
export interface StoryStack extends Pick<Stack, "directory" | "storeIdentifier"> {
  readonly github: Pick<GithubReady, "pageUrl">;
  readonly dsql: Pick<DsqlReady, "controlUrl" | "region" | "caFile">;
}

/** What the story is played on. */
interface Stage extends StoryOptions {
  readonly stack: StoryStack;
  readonly tell: Tell;
}

/** Plays the whole story on a running stack. Throws at the first step that does not hold. */
export async function playStory(
  stack: StoryStack,
  tell: Tell,
  options: StoryOptions = { patienceMs: 0 },
): Promise<void> {
  const stage: Stage = { stack, tell, ...options };
  const pull = await openPull(stack.github.pageUrl, REPOSITORY, {
    author: WRITER,
    title: "Invoices",
    branch: "invoices",
    files: { "migrations/0003_invoices.sql": INVOICES },
  });
  tell(`pull request ${pull.number} opened by ${WRITER}`, "signed webhook sent");
  await queryReady(stage, pull, "SELECT count(*)::int AS invoices FROM invoices", { invoices: 0 });
  await pull.push(WRITER, { "migrations/0004_first_invoice.sql": SEED });
  tell("pushed one more migration", "migrations/0004_first_invoice.sql");
  await waitForReport(pull, /Database ready[\s\S]*0004_first_invoice\.sql/);
  await queryReady(stage, pull, "SELECT cents::int AS cents FROM invoices", { cents: 1250 });
  await playCommands(stage, pull);
  await playClosing(stage, pull);
}

async function playCommands(stage: Stage, pull: PullClient): Promise<void> {
  const { tell } = stage;
  await say(pull, tell, READER, "/db status", "eyes", /\/db status/);
  await say(pull, tell, WRITER, "/db destroy", "+1", /Database destroyed/);
  await expectClusters(stage, 0);
  await say(pull, tell, READER, "/db create", "-1", /\/db create[\s\S]*write access/);
  await expectClusters(stage, 0);
  await say(pull, tell, WRITER, "/db create", "+1", /Database ready/);
  await queryReady(stage, pull, "SELECT cents::int AS cents FROM invoices", { cents: 1250 });
}

async function playClosing(stage: Stage, pull: PullClient): Promise<void> {
  const { tell } = stage;
  const connection = readConnection((await waitForReport(pull, /Database ready/)).body);
  const add = "INSERT INTO invoices (customer, cents) VALUES ('by hand', 7) RETURNING cents::int AS cents";
  await patiently(stage.patienceMs, () => queryOnce(connection, add));
  await pull.close(ADMIN);
  await waitForReport(pull, /data kept until[\s\S]*refused since/);
  await expectRefused(connection);
  tell("closed", "its data is kept, and nobody can connect");
  await pull.reopen(ADMIN);
  await queryReady(stage, pull, "SELECT count(*)::int > 1 AS restored FROM invoices", { restored: true });
  tell("reopened", "the same data is back");
  await pull.close(ADMIN);
  await waitForReport(pull, /data kept until/);
  await say(pull, tell, WRITER, "/db destroy", "+1", /Database destroyed/);
  await expectClusters(stage, 0);
}

/** The connection that worked a moment ago must be refused with DSQL's words. */
async function expectRefused(connection: ShownConnection): Promise<void> {
  const refused = await queryOnce(connection, "SELECT 1").then(
    () => null,
    (error: unknown) => String(error),
  );
  if (!refused?.includes("access denied")) throw new Error(`A closed database answered: ${refused}`);
}

/** Waits for the ready comment and runs a query through exactly the connection that it shows. */
async function queryReady(
  { stack, tell, patienceMs }: Stage,
  pull: PullClient,
  sql: string,
  expected: Record<string, unknown>,
): Promise<void> {
  const report = await waitForReport(pull, /Database ready/);
  const connection = readConnection(report.body);
  const rows = await patiently(patienceMs, () => queryOnce(connection, sql));
  const seen = JSON.stringify(rows[0]);
  if (seen !== JSON.stringify(expected))
    throw new Error(`${sql} answered ${seen}, not ${JSON.stringify(expected)}`);
  tell("ready, and queried as the comment says", `${sql} → ${seen}`);
  if (!stack.dsql.caFile.startsWith(join(stack.directory)))
    throw new Error("The comment leads outside of this demo.");
}

/** Comments as somebody and waits for the reaction and for what the App's comment then shows. */
async function say(
  pull: PullClient,
  tell: Tell,
  author: string,
  body: string,
  reaction: string,
  shows: RegExp,
): Promise<void> {
  const id = await pull.comment(author, body);
  await waitFor(
    `the reaction ${reaction} to "${body}"`,
    30_000,
    async () => {
      const comment = (await pull.comments()).find((one) => one.id === id);
      return comment && Object.hasOwn(comment.reactions, reaction) ? comment : null;
    },
    async () => JSON.stringify(await pull.comments()),
  );
  const report = await waitForReport(pull, shows);
  tell(`"${body}" by ${author}`, `${reaction}, comment: ${headline(report.body)}`);
}

async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Counts what AWS lists besides our own store; deletion takes a moment. */
async function expectClusters({ stack, tell, patienceMs }: Stage, count: number): Promise<void> {
  const list = () => patiently(patienceMs, () => listClusters(stack));
  await waitFor(
    `${count} clusters`,
    30_000,
    async () => ((await list()).length === count ? count : null),
    async () => `There are: ${(await list()).join(", ")}`,
  );
  tell(`${count} preview clusters at the local AWS`, "listed by the AWS SDK");
}

/** The identifiers of all clusters besides the store. */
export async function listClusters(
  stack: Pick<StoryStack, "dsql" | "storeIdentifier">,
): Promise<readonly string[]> {
  const { controlUrl, region } = stack.dsql;
  const client = new DSQLClient({ region, endpoint: controlUrl, credentials: LOCAL_CREDENTIALS });
  try {
    const { clusters = [] } = await client.send(new ListClustersCommand({ maxResults: 100 }));
    return clusters.map((one) => String(one.identifier)).filter((id) => id !== stack.storeIdentifier);
  } finally {
    client.destroy();
  }
}

function headline(body: string): string {
  return (
    body
      .split("\n")
      .find((line) => line.startsWith("### "))
      ?.slice(4) ?? ""
  );
}
