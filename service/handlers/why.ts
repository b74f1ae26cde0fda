import type { Environment } from "../domain/environment.ts";
import { phaseOf } from "../domain/phase.ts";
import type { Clock } from "./ports.ts";
import type { EventRow, StoreReads } from "./ports-store.ts";
import { readClusters } from "./read-clusters.ts";

/** The history of one environment with its present phase. */
export interface Why {
  readonly environment: Environment;
  readonly phase: string;
  readonly identifier: string | null;
  readonly events: readonly EventRow[];
}

/** `https://<host>/<owner>/<name>/pull/<number>`, with or without what follows. */
const PULL_URL = /^https?:\/\/[^/]+\/([\w.-]{1,100}\/[\w.-]{1,100})\/pull\/(\d{1,10})(?:[/?#].*)?$/;

/** Finds environments by their id, their key or the web address of their pull request, and tells their history. */
export async function why(store: StoreReads, clock: Clock, text: string): Promise<readonly Why[]> {
  const url = PULL_URL.exec(text);
  const keys = url ? await store.pullKeysNamed(String(url[1]), Number(url[2])) : [text];
  const found: Why[] = [];
  for (const key of keys) {
    for (const environment of await store.findEnvironments(key))
      found.push(await tell(store, clock, environment));
  }
  return found;
}

async function tell(store: StoreReads, clock: Clock, environment: Environment): Promise<Why> {
  const { serving, next } = await readClusters(store, environment);
  return {
    environment,
    phase: phaseOf(environment, serving, next, clock.now()),
    identifier: serving?.identifier ?? null,
    events: await store.events(environment.id),
  };
}
