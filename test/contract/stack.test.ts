import { afterAll, beforeAll, describe } from "vitest";
import { createStackControl } from "../../service/adapters/cloudformation.ts";
import { createClusterControl } from "../../service/adapters/dsql-control.ts";
import { createCredentials } from "../../service/adapters/dsql-credentials.ts";
import { type Both, startBoth } from "../local/cloudformation/stacks.ts";
import { LOCAL } from "../local/dsql/clients.ts";
import { type StackControlSubject, stackControlContract } from "./stack-control.ts";

interface Place {
  readonly region: string;
  readonly credentials: ReturnType<typeof createCredentials>;
  readonly dsqlEndpoint?: string;
  readonly stackEndpoint?: string;
}

async function subjectAt({
  region,
  credentials,
  dsqlEndpoint,
  stackEndpoint,
}: Place): Promise<StackControlSubject> {
  const common = { region, credentials };
  const control = createClusterControl({ ...common, ...(dsqlEndpoint ? { endpoint: dsqlEndpoint } : {}) });
  const made: { close(): void }[] = [control];
  return {
    control,
    stacks(policy) {
      const endpoint = stackEndpoint ? { endpoint: stackEndpoint } : {};
      const stacks = createStackControl({ ...common, ...endpoint, policy, roleArn: null });
      made.push(stacks);
      return stacks;
    },
    async close() {
      for (const one of made) one.close();
    },
  };
}

describe("with the local CloudFormation", () => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth({ dsql: { "no-engines": true, "creating-ms": 100, "deleting-ms": 100 } });
  });
  afterAll(() => both?.stop());
  stackControlContract("AWS SDK", () =>
    subjectAt({
      ...{ region: "us-east-1", credentials: async () => LOCAL },
      ...{ dsqlEndpoint: both.dsql.controlUrl, stackEndpoint: both.url() },
    }),
  );
});

const region = process.env["OFFSHOOT_CONTRACT_AWS_REGION"];
const skipped = "skipped: set OFFSHOOT_CONTRACT_AWS_REGION, and AWS credentials, to make three stacks there";
if (!region) console.info(`with AWS: ${skipped}`);

describe.skipIf(!region)(`with AWS${region ? "" : ` (${skipped})`}`, () => {
  stackControlContract("AWS SDK", () =>
    subjectAt({ region: region ?? "", credentials: createCredentials() }),
  );
});
