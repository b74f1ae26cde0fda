/** `scripts/operate <command>`: the command line of operators, with the variables of the deployment. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { readDeployed, readPlace, runScript } from "./aws-account.ts";
import { ROOT } from "./build-parts.ts";
import { operatorEnv } from "./operator-env.ts";

await runScript(async () => {
  const place = await readPlace(process.env);
  const env = { ...process.env, ...operatorEnv(place, await readDeployed(place)) };
  const args = [join(ROOT, "service", "cli.ts"), ...process.argv.slice(2)];
  // From where it was called, because arguments may name files.
  const cwd = process.env["INIT_CWD"] ?? process.cwd();
  const { status } = spawnSync(process.execPath, args, { cwd, env, stdio: "inherit" });
  process.exitCode = status ?? 1;
});
