import { createHash, randomBytes } from "node:crypto";
import { secrets } from "../../service/adapters/secrets.ts";
import type { CredentialContext } from "../../service/handlers/keys.ts";
import type { Store } from "../../service/handlers/ports-store.ts";

export const START = new Date("2026-11-25T08:00:00Z");

/** What keys and sessions use, with a clock that stands until it is moved. */
export function credentialScene(store: Store) {
  let now = START;
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }));
  const context: CredentialContext = {
    store,
    clock: { now: () => now },
    chance: { number: () => 0.5, bytes: (count) => randomBytes(count) },
    secrets,
    log: { info: write, warn: write, error: write },
  };
  return {
    context,
    lines,
    pass(ms: number) {
      now = new Date(now.getTime() + ms);
    },
  };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
