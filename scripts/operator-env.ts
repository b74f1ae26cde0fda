/** The service's variables of a deployment, for a person who works on it: as the store's admin, without the functions' roles. */
import { type Place, Stop } from "./aws-account.ts";

/** In: where, and the stack's outputs. Throws Stop if the stack does not show what is needed. */
export function operatorEnv(
  { account, region, settings }: Place,
  outputs: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const output = (name: string) => {
    const value = outputs.get(name);
    if (value) return value;
    throw new Stop(
      `The stack ${settings.stackName} shows no output ${name}. Deploy it again: scripts/deploy.`,
    );
  };
  return {
    OFFSHOOT_PUBLIC_URL: output("PublicUrl"),
    ...settings.serviceEnv,
    AWS_REGION: region,
    OFFSHOOT_AWS_ACCOUNT: account,
    OFFSHOOT_STORE_URL: `dsql://${output("StoreEndpoint")}`,
    OFFSHOOT_QUEUE_URL: output("QueueUrl"),
    OFFSHOOT_SECRETS_ARN: output("SecretArn"),
    OFFSHOOT_EPOCH_PARAMETER: settings.epochParameter,
  };
}
