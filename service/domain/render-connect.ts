import { ADMIN_ROLE, READER_ROLE } from "./access.ts";
import { codeSpan, fenced } from "./markdown.ts";
import type { Connection } from "./report.ts";
import { outside } from "./text.ts";

const CONNECTOR = "@aws/aurora-dsql-node-postgres-connector";

/** The ways to connect that are shown at once: this installation's own command if it has one, and psql. */
export function connectBlocks(connection: Connection): readonly string[] {
  const { command, connectTo, signInUrl } = connection;
  const prompt = command
    ? [`**SQL prompt** (in the directory of this Offshoot)\n${fenced("sh", command)}`]
    : [];
  const needs = connectTo
    ? "AWS CLI 2, psql"
    : "AWS CLI 2, psql 16, credentials with access to this repository's previews";
  const rights = "write access here: admin, read access: read-only";
  const signIn = signInUrl
    ? [
        `**No AWS access?** Sign in with GitHub (${rights}):\n${fenced("sh", `npx offshoot connect ${shellWord(signInUrl)}`)}`,
      ]
    : [];
  const { roles } = connection;
  const ofStack = roles
    ? [
        `**IAM roles** of this database, for whoever may assume them: ${codeSpan(outside(roles.connect))} as \`admin\`, ${codeSpan(outside(roles.reader))} as \`${READER_ROLE}\``,
      ]
    : [];
  return [...prompt, `**psql** (${needs})\n${fenced("sh", psqlLine(connection))}`, ...ofStack, ...signIn];
}

/** The ways that are folded: other clients, other shells, older versions. */
export function otherWays(connection: Connection): { readonly summary: string; readonly body: string } {
  if (connection.connectTo) return { summary: "Node", body: localNode(connection, connection.connectTo) };
  const caption = `Node 20 (\`npm i ${CONNECTOR} pg\`, save as \`try.mjs\`):`;
  const node = fenced("js", nodeScript([], [], connection));
  const powershell = `PowerShell:\n${fenced("powershell", powershellLine(connection))}`;
  const older = "psql 14 or 15: replace `sslmode=verify-full sslrootcert=system` by `sslmode=require`.";
  return { summary: "Node, Windows, psql 15", body: `${caption}\n${node}\n${powershell}\n${older}` };
}

/**
 * One command without export, so that nothing else in that terminal goes to this database. `-X`: a psqlrc may send
 * SAVEPOINT, which DSQL refuses; `-w`: nobody has a password to type. The prefix with credentials comes first, since
 * shells hand earlier assignments to a later `$( )`. A local line has no sslrootcert, which would win over the variable.
 */
export function psqlLine(connection: Connection): string {
  const { connectTo, environment } = connection;
  const root = connectTo ? "" : " sslrootcert=system";
  const address = connectTo
    ? [
        `PGHOSTADDR=${shellWord(connectTo.address)}`,
        `PGPORT=${connectTo.port}`,
        `PGSSLROOTCERT=${shellWord(connectTo.caFile)}`,
      ]
    : [];
  const words = [
    ...(environment ? [environment] : []),
    ...address,
    `PGPASSWORD="$(${tokenCommand(connection)})"`,
    `psql -Xw ${doubleQuoted(`${conninfo(connection)} sslmode=verify-full${root}`)}`,
  ];
  return words.join(" ");
}

/** Windows has its own certificate store, which libpq does not read: `require` still encrypts. */
function powershellLine(connection: Connection): string {
  const psql = `psql -Xw "${conninfo(connection)} sslmode=require"`;
  return `$env:PGPASSWORD = ${tokenCommand(connection)}; ${psql}; Remove-Item Env:PGPASSWORD`;
}

function tokenCommand({ region, host, user }: Connection): string {
  const kind = user === ADMIN_ROLE ? "admin-auth-token" : "auth-token";
  return `aws dsql generate-db-connect-${kind} --region ${shellWord(region)} --hostname ${shellWord(host)}`;
}

function conninfo({ host, user, database }: Connection): string {
  return `host=${host} user=${user} dbname=${database}`;
}

/** Signs for the real host name and connects elsewhere, as curl's --connect-to does. */
function localNode(connection: Connection, to: NonNullable<Connection["connectTo"]>): string {
  const imports = [`import { readFileSync } from "node:fs";`, `import { Socket } from "node:net";`];
  const options = [
    `ssl: { ca: readFileSync(${JSON.stringify(to.caFile)}) },`,
    "stream: () => {",
    "  const socket = new Socket();",
    "  const connect = socket.connect.bind(socket);",
    `  socket.connect = () => connect(${to.port}, ${JSON.stringify(to.address)});`,
    "  return socket;",
    "},",
  ];
  // Named explicitly: a profile of the person's own would otherwise win over the variables.
  const credentials =
    "customCredentialsProvider: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },";
  const all = connection.environment ? [...options, credentials] : options;
  const run = [connection.environment, "node try.mjs"].filter((word) => word !== null).join(" ");
  const script = fenced("js", nodeScript(imports, all, connection));
  return `Node 20, saved as \`try.mjs\` in the directory of this Offshoot:\n${script}\nRun it:\n${fenced("sh", run)}`;
}

function nodeScript(
  imports: readonly string[],
  options: readonly string[],
  { host, user }: Connection,
): string {
  const names = `host: ${JSON.stringify(host)}, user: ${JSON.stringify(user)}`;
  const config = options.length > 0 ? `{\n  ${[`${names},`, ...options].join("\n  ")}\n}` : `{ ${names} }`;
  return [
    ...imports,
    `import { AuroraDSQLPool } from "${CONNECTOR}";`,
    `const pool = new AuroraDSQLPool(${config});`,
    `console.log((await pool.query("select now()")).rows);`,
    "await pool.end();",
  ].join("\n");
}

const PLAIN_WORD = /^[A-Za-z0-9_./:=@%+-]+$/;

/** A word for sh, bash, zsh and fish alike. */
function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function doubleQuoted(text: string): string {
  return `"${text.replace(/["\\$`]/g, "\\$&")}"`;
}
