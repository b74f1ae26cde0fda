import type { App } from "./app.ts";
import { installationBody, pingBody } from "./bodies-app.ts";
import { repositoryBody, type Site, userBody } from "./bodies-repository.ts";
import type { Deliveries } from "./deliveries.ts";
import { type Change, placeOf } from "./model.ts";
import { payloadOf } from "./payloads.ts";
import type { State } from "./state.ts";

export interface WebhooksOptions {
  readonly site: Site;
  readonly state: State;
  readonly deliveries: Deliveries;
}

/** What the App is told: what it subscribed to, where it is installed, and what concerns itself. */
export function createWebhooks({ site, state, deliveries }: WebhooksOptions) {
  const { apps } = state;
  return {
    change(change: Change): void {
      const repository = placeOf(change);
      const granted = apps.installation();
      // GitHub tells nobody of reactions, and the App of its own check runs, which it does not read.
      if (change.event === "reaction" || change.event === "check_run") return;
      // What happens in a fork is not told: the App is not installed there.
      if (!state.installed.includes(repository)) return;
      if (!granted?.events.includes(change.event)) return;
      const action = "action" in change ? change.action : null;
      const payload = payloadOf(site, state, change);
      deliveries.send({ name: change.event, action, repositoryId: repository.id, payload });
    },
    /** A new webhook is tried at once. */
    made(app: App): void {
      deliveries.send({ name: "ping", action: null, repositoryId: null, payload: pingBody(site, app) });
    },
    /** Every App hears of its installations. */
    installed(): void {
      const granted = apps.installation();
      if (!granted) return;
      const payload = {
        ...{ action: "created", installation: installationBody(site, state, granted) },
        repositories: state.installed.map((one) => repositoryBody(site, one)),
        sender: userBody(site, state.organisation),
      };
      deliveries.send({ name: "installation", action: "created", repositoryId: null, payload });
    },
  };
}
