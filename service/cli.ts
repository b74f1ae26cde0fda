#!/usr/bin/env node
/** The command of operators: `offshoot store migrate`, `offshoot why <url or id>`. */
import { checkStoreVersion, migrateStore } from "./adapters/store/schema.ts";
import { openStore } from "./compose.ts";
import { ConfigProblems, readStoreConfig } from "./config.ts";
import { Refused } from "./domain/errors.ts";
import { cleanLine } from "./domain/markdown.ts";
import { outside } from "./domain/text.ts";
import { type Why, why } from "./handlers/why.ts";

const USAGE = `Usage:
  offshoot store migrate     apply the service's schema to the store; repeatable
  offshoot why <url or id>   the history of one environment: the address of its pull request, or its id

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found.`;
const DETAIL_CHARACTERS = 1_000;
const EXIT_USAGE = 2;
const EXIT_NOT_FOUND = 3;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const plain = error instanceof ConfigProblems || error instanceof Refused;
  console.error(plain ? error.message : error);
  return 1;
});

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === "store" && args[1] === "migrate" && args.length === 2) return storeMigrate();
  if (args[0] === "why" && args[1] && args.length === 2) return tellWhy(args[1]);
  if (args[0] === "help" || args[0] === "--help") {
    console.log(USAGE);
    return 0;
  }
  console.error(USAGE);
  return EXIT_USAGE;
}

async function storeMigrate(): Promise<number> {
  const { pool, flavour } = openStore(readStoreConfig(process.env));
  try {
    const applied = await migrateStore(pool, flavour);
    console.log(applied.length > 0 ? `Applied ${applied.join(", ")}.` : "The store is up to date.");
    return 0;
  } finally {
    await pool.end();
  }
}

async function tellWhy(text: string): Promise<number> {
  const { pool, store } = openStore(readStoreConfig(process.env));
  try {
    await checkStoreVersion(pool);
    const found = await why(store, { now: () => new Date() }, text);
    for (const one of found) print(one);
    if (found.length > 0) return 0;
    console.error(
      `No environment is known for ${text}. Give the address of a pull request or an id (env_…).`,
    );
    return EXIT_NOT_FOUND;
  } finally {
    await pool.end();
  }
}

function print({ environment, phase, identifier, events }: Why): void {
  const { id, ownerKey, wanted, wantedReason, headSha, generation } = environment;
  console.log(`${id}  ${ownerKey}`);
  console.log(
    `${phase}; wanted ${wanted} (${wantedReason}) at ${headSha.slice(0, 7)}, generation ${generation}`,
  );
  if (identifier) console.log(`cluster ${identifier}`);
  for (const event of events) {
    const actor = event.actor ? ` by ${event.actor}` : "";
    // File names of the repository and messages of servers: nothing in them may command the terminal.
    const detail = cleanLine(outside(event.detail ?? ""), DETAIL_CHARACTERS);
    console.log(`  ${event.at.toISOString()}  ${event.kind}${actor}  ${detail}`.trimEnd());
  }
}
