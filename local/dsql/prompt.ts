import { readFile } from "node:fs/promises";
import net from "node:net";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";
import type { QueryResult } from "pg";
import { splitStatements } from "./lexer.ts";

export interface PromptOptions {
  /** The cluster's endpoint: what the token is signed for and what the certificate must name. */
  host: string;
  region: string;
  user: string;
  database: string;
  /** Where the TCP connection goes instead of the host's own address. */
  address: string;
  port: number;
  caFile: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  input?: Readable;
  output?: Writable;
}

type Row = (string | null)[];

/**
 * A small SQL prompt: reads statements that end with a semicolon, prints rows as a table and errors with their code; `\q` or the
 * end of the input quits. Out: how many statements failed. Throws when the connection cannot be opened.
 */
export async function runPrompt(options: PromptOptions): Promise<number> {
  const { input = process.stdin, output = process.stdout } = options;
  const client = await connect(options);
  const terminal = "isTTY" in input && input.isTTY === true;
  const lines = createInterface({ input, output, terminal });
  const ask = (pending: string) => {
    if (!terminal) return;
    lines.setPrompt(pending.trim() === "" ? `${options.database}=> ` : `${options.database}-> `);
    lines.prompt();
  };
  let failures = 0;
  let pending = "";
  const run = async (sql: string): Promise<void> => {
    try {
      output.write(await execute(client, sql));
    } catch (error) {
      failures += 1;
      output.write(describeError(error));
    }
  };
  try {
    ask(pending);
    for await (const line of lines) {
      if (line.trim() === "\\q") return failures;
      const { complete, rest } = cut(`${pending}${line}\n`);
      for (const sql of complete) await run(sql);
      pending = rest;
      ask(pending);
    }
    // A person who leaves in the middle of a statement does not want it; a file may lack its last semicolon.
    if (!terminal && splitStatements(pending).length > 0) await run(pending);
    return failures;
  } finally {
    lines.close();
    await client.end().catch(() => {});
  }
}

async function connect({ host, region, user, database, address, port, ...rest }: PromptOptions) {
  const client = new AuroraDSQLClient({
    ...{ host, region, user, database, port },
    customCredentialsProvider: rest.credentials,
    ssl: { rejectUnauthorized: true, ca: await readFile(rest.caFile, "utf8") },
    stream: () => connectTo(address, port),
    // Values are printed as Postgres writes them.
    types: { getTypeParser: () => (value: string | Buffer) => String(value) },
  });
  // A lost connection fails the next statement, which is where it is reported.
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** A socket that goes to this address whatever host it is asked for. */
function connectTo(address: string, port: number): net.Socket {
  const socket = new net.Socket();
  const dial = socket.connect.bind(socket);
  socket.connect = () => dial(port, address);
  return socket;
}

/** Out: the statements that have their semicolon, and the text after the last of them. */
function cut(text: string): { complete: string[]; rest: string } {
  const finished = splitStatements(text).filter(({ end }) => text[end] === ";");
  const complete = finished.map(({ start, end }) => text.slice(start, end).trim());
  return { complete, rest: text.slice((finished.at(-1)?.end ?? -1) + 1) };
}

async function execute(client: AuroraDSQLClient, sql: string): Promise<string> {
  const result: QueryResult<Row> = await client.query<Row>({ text: sql, rowMode: "array" });
  if (result.fields.length > 0)
    return formatTable(
      result.fields.map(({ name }) => name),
      result.rows,
    );
  const counted = ["INSERT", "UPDATE", "DELETE"].includes(result.command);
  return `${counted ? `${result.command} ${result.rowCount}` : result.command}\n`;
}

function formatTable(names: readonly string[], rows: readonly Row[]): string {
  const cells = rows.map((row) => row.map((value) => value ?? ""));
  const widths = names.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join(" | ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("-+-");
  return [
    line(names),
    rule,
    ...cells.map(line),
    `(${rows.length} ${rows.length === 1 ? "row" : "rows"})`,
    "",
  ].join("\n");
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `ERROR: ${String(error)}\n`;
  const { code, detail, hint } = error as Error & { code?: string; detail?: string; hint?: string };
  const lines = [`ERROR ${code ?? "connection"}: ${error.message}`];
  if (detail !== undefined) lines.push(`DETAIL: ${detail}`);
  if (hint !== undefined) lines.push(`HINT: ${hint}`);
  return `${lines.join("\n")}\n`;
}
