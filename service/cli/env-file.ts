/** `offshoot env <database>`: the variables by which a preview deployment finds its database. */
import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import type { Environment, Token } from "../client/client.ts";
import { ADMIN_ROLE } from "../domain/access.ts";
import { type Command, URL_OPTION } from "./command.ts";
import { EXIT } from "./exit.ts";
import { openTarget, placeOf, secondsOf, TARGET_HELP, tokenFor, untilReady } from "./target.ts";
import { note, say, sayJson, shown } from "./terminal.ts";

export const envFile: Command = {
  name: "env",
  usage: "[<database>]",
  summary: "print or write the variables that an application needs",
  args: [0, 1],
  options: {
    ...URL_OPTION,
    database: { type: "string", value: "name", help: "one of several databases of a place" },
    write: { type: "string", value: "file", help: "put them into a dotenv file; its other lines stay" },
    user: { type: "string", value: "role", help: "the database role of the application; admin by default" },
    token: { type: "boolean", help: "with PGPASSWORD, a token that ends" },
    role: { type: "string", value: "owner|reader", help: "whose token" },
    seconds: { type: "string", value: "seconds", help: "how long the token lives" },
    "wait-seconds": { type: "string", value: "seconds", help: "wait at most so long until it is ready" },
  },
  details: `${TARGET_HELP} Without --token no secret is written: the application signs its own tokens with its AWS role (see \`offshoot iam\`).`,
  async run(io, input) {
    const wait = secondsOf(input.text("wait-seconds"), "wait-seconds");
    const { client, environment: found } = await openTarget(io, {
      target: input.args[0],
      url: input.text("url"),
      database: input.text("database"),
      waits: { seconds: wait },
    });
    const environment = await untilReady(io, client, found, wait);
    const wish = { role: input.text("role"), seconds: secondsOf(input.text("seconds"), "seconds") };
    const token = input.is("token") ? await tokenFor(client, environment, wish) : null;
    const variables = { ...plainVariables(environment, input.text("user") ?? ADMIN_ROLE), ...secrets(token) };
    const file = input.text("write");
    if (file) {
      await writeDotenv(file, variables);
      note(
        io,
        `Wrote ${Object.keys(variables).length} variables of ${shown(placeOf(environment))} to ${file}`,
      );
    } else if (input.json) sayJson(io, variables);
    else say(io, dotenv(variables));
    return EXIT.done;
  },
};

type Variables = Readonly<Record<string, string>>;

function plainVariables({ id, endpoint }: Environment, user: string): Variables {
  if (!endpoint) return { OFFSHOOT_ENVIRONMENT: id };
  return {
    OFFSHOOT_ENVIRONMENT: id,
    AWS_REGION: endpoint.region,
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGDATABASE: endpoint.database,
    PGUSER: user,
    PGSSLMODE: "verify-full",
  };
}

function secrets(token: Token | null): Variables {
  if (!token) return {};
  const { user, host, port, database } = token;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(token.token)}`;
  const address = `postgresql://${login}@${host}:${port}/${encodeURIComponent(database)}`;
  return { ...token.environment, DATABASE_URL: `${address}?sslmode=verify-full` };
}

/** One `NAME=value` a line, quoted where a reader of dotenv files could misread it. */
export function dotenv(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join("\n");
}

/** Replaces these variables in a dotenv file and leaves the rest. The file is readable by its owner only. */
async function writeDotenv(file: string, variables: Variables): Promise<void> {
  const before = await readFile(file, "utf8").catch((error: unknown) => {
    if (Object(error).code === "ENOENT") return "";
    throw error;
  });
  const isOurs = (line: string) => (/^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] ?? "") in variables;
  const others = before.split("\n").filter((line) => !isOurs(line));
  const text = others.join("\n").trimEnd();
  const next = `${file}.${randomUUID()}`;
  await writeFile(next, `${text}${text ? "\n" : ""}${dotenv(variables)}\n`, { mode: 0o600, flag: "wx" });
  await rename(next, file);
}

function quoted(value: string): string {
  if (/^[\w./:@%+,=?&~-]*$/.test(value)) return value;
  return `"${value.replace(/["\\$`]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
