import type { Access } from "./access.ts";
import type { Actions } from "./actions.ts";
import type { Site } from "./bodies-repository.ts";
import type { Credentials } from "./credentials.ts";
import type { Deliveries } from "./deliveries.ts";
import type { DeviceLogins } from "./device.ts";
import type { Faults } from "./faults.ts";
import type { Jobs } from "./jobs.ts";
import type { Manifests } from "./manifest.ts";
import type { Issuer } from "./oidc.ts";
import type { State } from "./state.ts";

/** Everything that the routes work with. */
export interface Parts {
  /** Complete once the server listens. */
  readonly site: Site;
  readonly state: State;
  readonly actions: Actions;
  readonly manifests: Manifests;
  readonly credentials: Credentials;
  readonly access: Access;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly issuer: Issuer;
  readonly jobs: Jobs;
  readonly deviceLogins: DeviceLogins;
  /** Tells the App that it was installed. */
  installed(): void;
  /** Gets every request that was really answered, without credentials. */
  record?(call: RecordedCall): void;
}

/** One line of the record. */
export interface RecordedCall {
  readonly method: string;
  /** Below the API's address, without the query. */
  readonly path: string;
  readonly query: unknown;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}
