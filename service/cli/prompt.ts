/** A plain SQL prompt, for machines without psql. */
import { createInterface, type Interface } from "node:readline";
import pg from "pg";
import { splitSql } from "./sql-end.ts";
import { type Io, shown, table } from "./terminal.ts";

const HELP = `Statements end with a semicolon.
  \\d           the tables
  \\d <table>   the columns of a table
  \\x           rows one below the other, or as a table again
  \\q           leave`;
/** A prompt is for looking, not for exports. */
const ROWS_MAX = 1_000;
const HISTORY_LINES = 500;
const TABLES = `select table_schema as schema, table_name as name, table_type as type
  from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema', 'sys')
  order by 1, 2`;
const COLUMNS = `select column_name as column, data_type as type, is_nullable as nullable, column_default as default
  from information_schema.columns where table_name = $1 order by table_schema, ordinal_position`;

interface Prompt {
  readonly io: Io;
  readonly client: pg.Client;
  expanded: boolean;
  failures: number;
}

/**
 * Reads statements until \q or the end of the input. In: where to connect, as libpq's variables. Out: how many failed.
 * Ctrl-C drops what was typed so far, and cancels nothing that runs: DSQL's sessions end by themselves.
 */
export async function runPrompt(
  io: Io,
  environment: Readonly<Record<string, string>>,
  name: string,
): Promise<number> {
  const client = new pg.Client({
    connectionString: environment["DATABASE_URL"],
    // Values are shown as Postgres writes them.
    types: { getTypeParser: () => (value: string | Buffer) => String(value) },
  });
  // A lost connection fails the next statement, which is where it is told.
  client.on("error", () => undefined);
  await client.connect();
  const terminal = io.stdin.isTTY === true;
  const lines = createInterface({
    input: io.stdin,
    output: terminal ? io.stdout : undefined,
    terminal,
    historySize: HISTORY_LINES,
  });
  if (terminal) io.stdout.write("\\? for help, \\q to leave\n");
  try {
    return await readLines({ io, client, expanded: false, failures: 0 }, lines, terminal ? name : null);
  } finally {
    lines.close();
    await client.end().catch(() => undefined);
  }
}

/** `name` is the prompt's; null where nobody is there to read it. */
async function readLines(prompt: Prompt, lines: Interface, name: string | null): Promise<number> {
  let pending = "";
  const ask = () => {
    if (name === null) return;
    lines.setPrompt(pending.trim() === "" ? `${name}=> ` : `${name}-> `);
    lines.prompt();
  };
  lines.on("SIGINT", () => {
    pending = "";
    prompt.io.stdout.write("\n");
    ask();
  });
  ask();
  for await (const line of lines) {
    const word = line.trim();
    if (pending.trim() === "" && word.startsWith("\\")) {
      if (word === "\\q") return prompt.failures;
      await meta(prompt, word);
    } else {
      const { complete, rest } = splitSql(`${pending}${line}\n`);
      pending = rest;
      for (const sql of complete) await execute(prompt, sql);
    }
    ask();
  }
  // A person who leaves in the middle of a statement does not want it; a file may lack its last semicolon.
  if (name === null && pending.trim() !== "") await execute(prompt, pending);
  return prompt.failures;
}

async function meta(prompt: Prompt, word: string): Promise<void> {
  const [command, name] = word.split(/\s+/);
  if (command === "\\d" && name) return execute(prompt, COLUMNS, [name.split(".").at(-1) ?? ""]);
  if (command === "\\d") return execute(prompt, TABLES);
  if (command === "\\x") prompt.expanded = !prompt.expanded;
  if (command === "\\x")
    return void prompt.io.stdout.write(`Rows ${prompt.expanded ? "one below the other" : "as a table"}.\n`);
  prompt.io.stdout.write(`${HELP}\n`);
}

async function execute(prompt: Prompt, sql: string, values: readonly string[] = []): Promise<void> {
  const { io, client } = prompt;
  try {
    const query = { text: sql, values: [...values], rowMode: "array" as const };
    const result = await client.query<(string | null)[]>(query);
    io.stdout.write(`${resultText(prompt, result)}\n`);
  } catch (error) {
    prompt.failures += 1;
    io.stdout.write(`${errorText(error)}\n`);
  }
}

function resultText({ io, expanded }: Prompt, result: pg.QueryArrayResult<(string | null)[]>): string {
  const { command, rowCount, fields } = result;
  if (fields.length === 0)
    return ["INSERT", "UPDATE", "DELETE"].includes(command) ? `${command} ${rowCount}` : command;
  const names = fields.map((field) => shown(field.name));
  const rows = result.rows.slice(0, ROWS_MAX).map((row) => row.map((value) => value ?? "∅"));
  const left = result.rows.length - rows.length;
  const counted = `(${result.rows.length} ${result.rows.length === 1 ? "row" : "rows"}${left > 0 ? `, ${left} not shown` : ""})`;
  if (!expanded) return `${table(io, names, rows)}\n${counted}`;
  const width = Math.max(...names.map((name) => name.length));
  const block = (row: readonly string[]) =>
    names.map((name, i) => `${name.padEnd(width)}  ${shown(row[i] ?? "")}`).join("\n");
  return [...rows.map(block), counted].join("\n\n");
}

function errorText(error: unknown): string {
  const { code, message, detail, hint } = Object(error) as Record<string, string | undefined>;
  const lines = [`ERROR ${code ?? "connection"}: ${shown(message ?? String(error))}`];
  if (detail) lines.push(`DETAIL: ${shown(detail)}`);
  if (hint) lines.push(`HINT: ${shown(hint)}`);
  return lines.join("\n");
}
