/** As whom the service works on its store, for `offshoot doctor`. */
import { checkStoreRole } from "../../adapters/store/role.ts";
import { readStoreConfig } from "../../config.ts";
import { ADMIN_ROLE } from "../../domain/access.ts";
import type { Check } from "../findings.ts";
import type { Io } from "../terminal.ts";
import { withStore } from "./store.ts";

const NEXT =
  "Run offshoot store migrate as the store's admin, with OFFSHOOT_STORE_ROLE as the service has it.";

/** Of a store on DSQL: that we are let in as the role shows that it is there and mapped. */
export function storeRoleChecks(io: Io): readonly Check[] {
  const { store } = readStoreConfig(io.env);
  if (store.kind !== "dsql") return [];
  return [["store role", () => roleText(io, store.role), NEXT]];
}

async function roleText(io: Io, role: string): Promise<string> {
  if (role === ADMIN_ROLE) return "admin, which can change the schema; OFFSHOOT_STORE_ROLE names another";
  await withStore(io, ({ pool }) => checkStoreRole(pool, role));
  return `${role}, which reads and writes rows and changes nothing else`;
}
