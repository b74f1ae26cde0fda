/** `scripts/destroy`: removes the stack; the store's cluster, its data and the App's secret stay unless told. */
import { createClusterControl } from "../service/adapters/dsql-control.ts";
import { createCredentials } from "../service/adapters/dsql-credentials.ts";
import { readDeployed, readOutputs, readPlace, run, runScript, Stop } from "./aws-account.ts";
import { planDestroy, readTold } from "./destroy-plan.ts";

const HELP = `scripts/destroy [--with-environments [--with-tenants]] [--with-store]

Removes the stack. Refuses while databases with Offshoot's tags live in the Region, unless it is told to delete them:
  --with-environments  previews, with their data
  --with-tenants       customers' databases as well, with their data
  --with-store         the service's own store; otherwise its cluster is kept, protected
The secret of the GitHub App is kept in any case.`;

type Control = ReturnType<typeof createClusterControl>;

await runScript(async () => {
  const asked = readTold(process.argv.slice(2));
  if (asked.kind === "help") return console.log(HELP);
  if (asked.kind === "refused") throw new Stop(asked.text);
  const place = await readPlace(process.env);
  const outputs = await readDeployed(place);
  const control = createClusterControl({ region: place.region, credentials: createCredentials() });
  try {
    const clusters = await control.inventory();
    if (clusters === null)
      throw new Stop("The clusters of the account cannot be listed, so nothing is removed.");
    const plan = planDestroy(clusters, asked.told, outputs);
    if (plan.kind === "refused") throw new Stop(plan.text);
    // First the functions, which would make anew what is removed under their eyes. CDK asks before it begins.
    await run(place, "cdk", ["destroy", place.settings.stackName], { cwd: "infra" });
    if ((await readOutputs(place)) !== null)
      throw new Stop("The stack is still there, so nothing else is removed.");
    for (const { identifier } of plan.clusters) await remove(control, identifier);
    if (plan.store !== null) await remove(control, plan.store);
    const store = plan.store === null ? [`the store ${outputs.get("StoreIdentifier")}`] : [];
    console.log(`Kept: ${[...store, `the secret ${outputs.get("SecretArn")}`].join(", ")}.`);
  } finally {
    control.close();
  }
});

async function remove(control: Control, identifier: string): Promise<void> {
  const unprotected = await control.protect(identifier, false);
  const answer = unprotected.kind === "done" ? await control.remove(identifier) : unprotected;
  if (answer.kind !== "removing" && answer.kind !== "absent") {
    const cause = "cause" in answer ? answer.cause : answer.kind;
    throw new Stop(`The cluster ${identifier} could not be removed: ${cause}`);
  }
  console.log(`The cluster ${identifier} is being removed.`);
}
