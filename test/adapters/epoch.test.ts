import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEpochFile } from "../../service/adapters/epoch-file.ts";
import { createEpochParameter } from "../../service/adapters/epoch-parameter.ts";
import type { EpochKeeper } from "../../service/handlers/ports-brake.ts";
import { assume, LOCAL, policyOf, ssmClient } from "../local/dsql/clients.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

let directory: string;
let local: LocalDsql;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-epoch-"));
  local = await startLocalDsql({ directory: join(directory, "dsql"), flags: { "no-engines": true } });
});
afterAll(async () => {
  await local?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Place {
  readonly keeper: EpochKeeper;
  /** What somebody else wrote there. */
  write(text: string): Promise<unknown>;
}

function parameterAs(name: string, credentials: typeof LOCAL): EpochKeeper {
  const { region, neighboursUrl: endpoint } = local.ready;
  return createEpochParameter({ name, region, endpoint, credentials: async () => credentials });
}

const PLACES: Readonly<Record<string, (name: string) => Place>> = {
  file(name) {
    const path = join(directory, name);
    return { keeper: createEpochFile(path), write: (text) => writeFile(path, text) };
  },
  parameter(name) {
    const parameter = { Name: `/offshoot-epoch/${name}`, Type: "String", Overwrite: true } as const;
    return {
      keeper: parameterAs(parameter.Name, LOCAL),
      async write(Value) {
        const client = ssmClient(local.ready);
        await client.send(new PutParameterCommand({ ...parameter, Value }));
        client.destroy();
      },
    };
  },
};

describe.each(["file", "parameter"])("the epoch in a %s", (kind) => {
  const placeOf = (name: string): Place => (PLACES[kind] as (name: string) => Place)(name);

  it("is null at first, and what was written last afterwards", async () => {
    const { keeper } = placeOf("written");
    expect(await keeper.read()).toBeNull();
    await keeper.write({ epoch: 1, store: "one" });
    await keeper.write({ epoch: 2, store: "two" });
    expect(await keeper.read()).toEqual({ epoch: 2, store: "two" });
    expect(await placeOf("written").keeper.read()).toEqual({ epoch: 2, store: "two" });
  });

  it.each(["hello", "{}", '{"epoch":0,"store":"one"}', '{"epoch":"7","store":"one"}'])(
    "that holds %s is unavailable, and no first start",
    async (text) => {
      const { keeper, write } = placeOf("foreign");
      await write(text);
      await expect(keeper.read()).rejects.toMatchObject({ name: "Retryable", reason: "epoch_unavailable" });
    },
  );
});

it("a file is for its owner only, and no draft of it is left", async () => {
  const path = join(directory, "own", "epoch");
  await expect(createEpochFile(path).write({ epoch: 1, store: "one" })).rejects.toMatchObject({
    reason: "epoch_unavailable",
    message: expect.stringContaining("OFFSHOOT_EPOCH_FILE"),
  });
  const fits = join(directory, "fits");
  await createEpochFile(fits).write({ epoch: 1, store: "one" });
  expect((await stat(fits)).mode & 0o777).toBe(0o600);
  expect((await readdir(directory)).filter((name) => name.startsWith("fits"))).toEqual(["fits"]);
});

it("a parameter that the role may not read is unavailable, and the message names the permissions", async () => {
  const narrowed = await assume(local.ready, "worker", policyOf({ Action: "dsql:ListClusters" }));
  const keeper = parameterAs("/offshoot-epoch/denied", narrowed);
  for (const call of [keeper.read(), keeper.write({ epoch: 1, store: "one" })]) {
    await expect(call).rejects.toMatchObject({
      reason: "epoch_unavailable",
      message: expect.stringMatching(/ssm:GetParameter, ssm:PutParameter/),
    });
  }
});
