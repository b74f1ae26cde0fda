import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { createCredentials } from "../../service/adapters/dsql-credentials.ts";
import { controlSubject, type DsqlPlace, databasesSubject, localPlace } from "../support/contract-dsql.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";
import { clusterControlContract } from "./cluster-control.ts";
import { databasesContract } from "./databases.ts";

describe("with the local DSQL", () => {
  let directory: string;
  let local: LocalDsql | undefined;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "offshoot-contract-"));
    const flags = { "creating-ms": 100, "deleting-ms": 100, "index-build-ms": 100 };
    local = await startLocalDsql({ directory, flags });
  });
  afterAll(async () => {
    await local?.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const place = () => {
    if (!local) throw new Error("The local DSQL is not running.");
    return localPlace(local);
  };
  clusterControlContract("AWS SDK", async () => controlSubject(place()));
  databasesContract("connector of AWS", async () => databasesSubject(place()));
});

const region = process.env["OFFSHOOT_CONTRACT_AWS_REGION"];
const skipped =
  "skipped: set OFFSHOOT_CONTRACT_AWS_REGION, and AWS credentials, to make three clusters there";
if (!region) console.info(`with AWS: ${skipped}`);

describe.skipIf(!region)(`with AWS${region ? "" : ` (${skipped})`}`, () => {
  const common = { region: region ?? "", credentials: createCredentials() };
  const place: DsqlPlace = { control: common, connection: common };
  clusterControlContract("AWS SDK", () => controlSubject(place));
  databasesContract("connector of AWS", () => databasesSubject(place));
});
