import { waitUntilStackCreateComplete } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { assume, query } from "../dsql/clients.ts";
import { type Both, CLUSTER_AND_ROLE, create, describe as describeStack, startBoth, WAIT } from "./stacks.ts";

let both: Both;

beforeAll(async () => {
  both = await startBoth({ dsql: {} });
});

afterAll(() => both.stop());

it("a stack's role can be granted a database role of the stack's cluster, and connects with it", async () => {
  const client = both.client();
  await create(client, "granted", { TemplateBody: CLUSTER_AND_ROLE, Capabilities: ["CAPABILITY_IAM"] });
  await waitUntilStackCreateComplete({ client, ...WAIT }, { StackName: "granted" });
  const { Outputs = [] } = await describeStack(client, "granted");
  const output = (key: string) => Outputs.find(({ OutputKey }) => OutputKey === key)!.OutputValue!;
  const [endpoint, arn] = [output("Endpoint"), output("RoleArn")];
  await query(both.dsql, endpoint, "CREATE ROLE reader WITH LOGIN");
  await query(both.dsql, endpoint, `AWS IAM GRANT reader TO '${arn}'`);
  const credentials = await assume(both.dsql, arn.split("/").at(-1)!);
  const rows = await query(both.dsql, endpoint, "SELECT current_user AS who", {
    user: "reader",
    credentials,
  });
  expect(rows).toEqual([{ who: "reader" }]);
});
