/**
 * Offshoot's own webhook endpoint, journal and store, as service/compose.ts wires them, without the worker: its steps
 * ask a GitHub that is not there, and neither Probot nor the bare server does any such work.
 */
import { createLog } from "../../service/adapters/log.ts";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { createJournal } from "../../service/adapters/store/journal.ts";
import { migrateStore } from "../../service/adapters/store/schema.ts";
import { openStore } from "../../service/compose-parts.ts";
import { readStoreConfig } from "../../service/config.ts";
import { buildApp } from "../../service/http/app.ts";
import { createVerifier } from "../../service/http/signature.ts";
import { SECRET } from "./deliveries.ts";
import { tellPort } from "./tell-port.ts";

const { pool, flavour } = openStore(readStoreConfig(process.env));
await migrateStore(pool, flavour);
const app = buildApp({
  appId: 1,
  host: "github.com",
  verify: createVerifier([SECRET]),
  journal: createJournal(createDatabase(pool), { now: () => new Date() }),
  ready: async () => {},
  nudge: { nudge: () => {} },
  log: createLog({ level: "info", secrets: [SECRET] }),
});
await app.listen({ host: "127.0.0.1", port: 0 });
process.on("message", async () => {
  const { rows } = await pool.query<{ count: number }>("select count(*)::int as count from delivery");
  process.send?.(rows[0]);
});
process.once("SIGTERM", () => process.exit(0));
tellPort(app.server);
