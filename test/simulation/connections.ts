import pg from "pg";
import { startStore } from "../support/store.ts";
import type { Connections } from "./life.ts";

const WORKERS = 3;
const API_PROCESSES = 2;
/** A statement that meets the lock of a transaction that waits for its turn can only give up. */
const LOCK_TIMEOUT_MS = 2;

/** A Postgres of its own with all connections of a life. */
export async function openConnections() {
  const store = await startStore({ max: 1, settings: { autovacuum: "off" } });
  const connect = async () => {
    const client = new pg.Client({
      connectionString: store.url,
      lock_timeout: LOCK_TIMEOUT_MS,
      pipeline: true,
    });
    await client.connect();
    return client;
  };
  const workers: pg.Client[] = [];
  for (let i = 0; i < WORKERS; i += 1) workers.push(await connect());
  const api: pg.Client[] = [];
  for (let i = 0; i < API_PROCESSES; i += 1) api.push(await connect());
  const door = await connect();
  const observer = await connect();
  const connections: Connections = { workers, api, door, observer, database: store.database };
  return {
    connections,
    clean: () => store.clear(),
    async close() {
      for (const client of [...workers, ...api, door, observer]) await client.end();
      await store.stop();
    },
  };
}
