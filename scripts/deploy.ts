/** `scripts/deploy`: checks, builds, deploys, and prints the link that makes the GitHub App if there is none yet. */
import { PAIR } from "../service/domain/setup.ts";
import { openSecretBook } from "../service/setup.ts";
import { checkBootstrap, type Place, readOutputs, readPlace, run, runScript, Stop } from "./aws-account.ts";

await runScript(async () => {
  const place = await readPlace(process.env);
  await checkBootstrap(place);
  console.log(`Deploying ${place.settings.stackName} to account ${place.account}, ${place.region}.`);
  await run(place, "scripts/build", []);
  await run(place, "cdk", ["deploy", place.settings.stackName, ...process.argv.slice(2)], { cwd: "infra" });
  const outputs = await readOutputs(place);
  const [publicUrl, secret] = [outputs?.get("PublicUrl"), outputs?.get("SecretArn")];
  if (!publicUrl || !secret) throw new Stop(`The stack ${place.settings.stackName} shows no outputs.`);
  await tellSetup(place, place.settings.serviceEnv["OFFSHOOT_PUBLIC_URL"] ?? publicUrl, secret);
});

/** The link is good once; only its digest is kept, in the secret. */
async function tellSetup(place: Place, publicUrl: string, secret: string): Promise<void> {
  const env = { AWS_REGION: place.region, OFFSHOOT_PUBLIC_URL: publicUrl, OFFSHOOT_SECRETS_ARN: secret };
  const appId = (await openSecretBook(env)?.read())?.pairs[PAIR.appId];
  console.log(`\nOffshoot is at ${publicUrl}`);
  if (appId) {
    console.log(`It works for the GitHub App ${appId}.`);
    return;
  }
  await run(place, "node", ["service/cli.ts", "setup-code"], { env });
}
