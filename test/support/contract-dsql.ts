import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { DSQLClient, UpdateClusterCommand } from "@aws-sdk/client-dsql";
import type { DsqlConnectionOptions } from "../../service/adapters/dsql-connection.ts";
import { type ClusterControlOptions, createClusterControl } from "../../service/adapters/dsql-control.ts";
import { createDatabases } from "../../service/adapters/dsql-databases.ts";
import type { ClusterControlSubject } from "../contract/cluster-control.ts";
import type { DatabasesSubject } from "../contract/databases.ts";
import type { LocalDsql } from "./local-dsql.ts";

const LOOK_MS = 100;

/** Where the control plane and the clusters are: the local ones, or AWS. */
export interface DsqlPlace {
  readonly control: ClusterControlOptions;
  readonly connection: DsqlConnectionOptions;
}

export function localPlace({ ready }: LocalDsql): DsqlPlace {
  const { region, controlUrl, frontAddress, frontPort, caFile } = ready;
  const credentials = async () => ({ accessKeyId: "local", secretAccessKey: "local" });
  const connectTo = { host: frontAddress, port: frontPort };
  return {
    control: { region, credentials, endpoint: controlUrl },
    connection: { region, credentials, connectTo, ca: readFileSync(caFile, "utf8") },
  };
}

/** The adapter, and the SDK beside it for what the port does not offer. */
export async function controlSubject({ control: options }: DsqlPlace): Promise<ClusterControlSubject> {
  const control = createClusterControl(options);
  const client = new DSQLClient(options);
  return {
    control,
    async protect(identifier) {
      await client.send(new UpdateClusterCommand({ identifier, deletionProtectionEnabled: true }));
    },
    async close() {
      control.close();
      client.destroy();
    },
  };
}

/** Databases and a new cluster, which `close` removes. */
export async function databasesSubject(place: DsqlPlace): Promise<DatabasesSubject> {
  const control = createClusterControl(place.control);
  const tags = { "offshoot:service": "contract", "offshoot:kind": "preview" };
  let seen = await control.create({ clientToken: randomUUID(), tags });
  while (seen.kind !== "usable") {
    if (seen.kind !== "creating") throw new Error(`No cluster to test with: ${JSON.stringify(seen)}`);
    await setTimeout(LOOK_MS);
    const now = await control.observe(seen.identifier);
    if (now.kind !== "unknown" && now.kind !== "absent") seen = now;
  }
  const { identifier, endpoint } = seen;
  return {
    databases: createDatabases(place.connection),
    endpoint,
    async close() {
      await control.remove(identifier);
      control.close();
    },
  };
}
