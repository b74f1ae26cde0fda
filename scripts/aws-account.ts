/** What deploy, destroy and operate do first: settings, credentials, and the stack as it is. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { readSettings, type Settings } from "../infra/settings.ts";
import { ConfigProblems } from "../service/env-reader.ts";
import { ROOT } from "./build-parts.ts";

/** The version of CDK's bootstrap, where the default bootstrap keeps it. */
const BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version";

/** What an operator must mend; its message says how. */
export class Stop extends Error {}

export interface Place {
  readonly settings: Settings;
  readonly account: string;
  readonly region: string;
}

/** The settings, and the account that the credentials are of. Throws Stop, ConfigProblems. */
export async function readPlace(env: NodeJS.ProcessEnv): Promise<Place> {
  const settings = readSettings(env);
  const { region } = settings;
  if (region === null) throw new Stop("Set AWS_REGION, such as eu-central-1.");
  const sts = new STSClient({ region });
  const { Account: account = "" } = await sts
    .send(new GetCallerIdentityCommand({}))
    .catch((error: unknown) => {
      const cause = error instanceof Error ? error.message : String(error);
      throw new Stop(`No AWS credentials that work: ${cause}. Sign in, or set AWS_PROFILE.`);
    });
  if (settings.account !== null && settings.account !== account) {
    throw new Stop(
      `The credentials are of account ${account}, and OFFSHOOT_AWS_ACCOUNT says ${settings.account}.`,
    );
  }
  return { settings, account, region };
}

/** Throws Stop, with the command that mends it, if CDK may not deploy here yet. */
export async function checkBootstrap({ account, region }: Place): Promise<void> {
  const ssm = new SSMClient({ region });
  try {
    await ssm.send(new GetParameterCommand({ Name: BOOTSTRAP }));
  } catch {
    const command = `node_modules/.bin/cdk bootstrap aws://${account}/${region}`;
    throw new Stop(
      `CDK is not bootstrapped in ${account}, ${region}, or ${BOOTSTRAP} cannot be read. Run: ${command}`,
    );
  }
}

/** The outputs of the stack, by name; null if there is no stack. */
export async function readOutputs({ settings, region }: Place): Promise<ReadonlyMap<string, string> | null> {
  const client = new CloudFormationClient({ region });
  try {
    const { Stacks: [stack] = [] } = await client.send(
      new DescribeStacksCommand({ StackName: settings.stackName }),
    );
    return new Map(stack?.Outputs?.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]));
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return null;
    throw error;
  }
}

/** The outputs of the stack, which must be there. Throws Stop. */
export async function readDeployed(place: Place): Promise<ReadonlyMap<string, string>> {
  const outputs = await readOutputs(place);
  if (outputs !== null) return outputs;
  const where = `${place.settings.stackName} in ${place.region} of account ${place.account}`;
  throw new Stop(
    `There is no stack ${where}. Set AWS_PROFILE, AWS_REGION and OFFSHOOT_STACK_NAME as it was deployed.`,
  );
}

/** Runs a program in the checkout, with this terminal, for this place. Throws Stop if it fails. */
export async function run(
  { account, region }: Place,
  program: string,
  args: readonly string[],
  more: Readonly<{ cwd?: string; env?: Readonly<Record<string, string>> }> = {},
): Promise<void> {
  const path = `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"]}`;
  const place = { AWS_REGION: region, OFFSHOOT_AWS_ACCOUNT: account, PATH: path };
  const child = spawn(program, args, {
    cwd: join(ROOT, more.cwd ?? "."),
    env: { ...process.env, ...place, ...more.env },
    stdio: "inherit",
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Stop(`${program} ${args.join(" ")} ended with ${code}.`);
}

/** Runs a script's main function; what an operator must mend is one message, without a stack trace. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isPlain = error instanceof Stop || error instanceof ConfigProblems;
    console.error(isPlain ? error.message : error);
    process.exitCode = 1;
  }
}
