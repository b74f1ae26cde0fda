import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { runPrompt } from "../dsql/prompt.ts";
import { readConnection } from "./connection.ts";
import { STATE_FILE } from "./process.ts";
import { pullClient } from "./pull.ts";

const USAGE = "Usage: scripts/connect <pull request> [owner/repository], for example scripts/connect 1";
const EXIT_USAGE = 2;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

/** Reads the pull request's comment, as a person would, and opens a prompt with what it says. */
async function main([number = "", repository = "acme/shop", ...more]: readonly string[]): Promise<number> {
  if (!/^\d{1,9}$/.test(number) || !/^[\w.-]+\/[\w.-]+$/.test(repository) || more.length > 0) {
    console.error(USAGE);
    return EXIT_USAGE;
  }
  if (!existsSync(STATE_FILE)) {
    console.error("No demo is running here. Start it with scripts/demo in another terminal.");
    return 1;
  }
  const { pageUrl } = JSON.parse(await readFile(STATE_FILE, "utf8")) as { pageUrl: string };
  const report = await pullClient(pageUrl, repository, Number(number)).report();
  if (!report) {
    console.error(`Pull request ${number} of ${repository} has no comment of Offshoot yet.`);
    return 1;
  }
  if (!report.body.includes("host=")) {
    console.error(`The database is not ready: ${report.body.split("\n")[1]?.replace(/^### /, "")}`);
    return 1;
  }
  const { accessKeyId, secretAccessKey, ...connection } = readConnection(report.body);
  const failures = await runPrompt({ ...connection, credentials: { accessKeyId, secretAccessKey } });
  return failures > 0 ? 1 : 0;
}
