import { secrets } from "../../service/adapters/secrets.ts";
import type { Labels } from "../../service/domain/caller.ts";
import { makeCredential, SECRET_BYTES } from "../../service/domain/credential.ts";
import { newEnvironment } from "../../service/domain/environment.ts";
import { Refused } from "../../service/domain/errors.ts";
import { ownerKey, pullKey } from "../../service/domain/owner.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import { createAuthenticate } from "../../service/handlers/authenticate.ts";
import { newId } from "../../service/handlers/context.ts";
import { createKey, type NewKey } from "../../service/handlers/keys.ts";
import type { ApiContext } from "../../service/handlers/ports-api.ts";
import type { SessionSubject } from "../../service/handlers/ports-credentials.ts";
import { exchangeJobToken } from "../../service/handlers/sessions.ts";
import { createScene } from "../handlers/scene.ts";
import { buildApi, PUBLIC_URL } from "./api.ts";
import type { TestStore } from "./store.ts";

const HOST = "github.test";
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** The API with its real handlers on a real store; nothing works on what it begins, and GitHub shows one repository. */
export function createApiService(base: TestStore) {
  const scene = createScene(base);
  const github = scene.context.github;
  const shop = { host: HOST, repositoryId: 4001, installationId: 1, repositoryName: "acme/shop" };
  const context: ApiContext = {
    ...scene.context,
    github: {
      ...github,
      findRepository: async (name) => (name === shop.repositoryName ? shop : null),
      readBranch: async (_target, gitBranch) => (gitBranch === "main" ? { sha: "a".repeat(40) } : null),
    },
    policy: { ...scene.context.policy, grace: { previewMs: HOUR_MS, tenantMs: HOUR_MS } },
    signer: { sign: async () => ({ token: "a token", expiresAt: new Date(Date.now() + HOUR_MS) }) },
    jobTokens: { verify: () => Promise.reject(new Refused("oidc_invalid", "This is not a JSON Web Token.")) },
    signIn: null,
    ...{ publicUrl: PUBLIC_URL, host: HOST, secrets },
  };
  const { app } = buildApi({
    handlers: createApiHandlers(context),
    authenticate: createAuthenticate(context),
    access: {
      exchangeJobToken: (token) => exchangeJobToken(context, token),
      beginLogin: () => Promise.reject(new Refused("login_missing", "There is no sign-in.")),
      pollLogin: () => Promise.reject(new Refused("login_missing", "There is no sign-in.")),
    },
  });
  return {
    app,
    context,
    pass: scene.pass,
    people: scene.github.permissions,
    /** A key's credential. */
    async key(wanted: Partial<NewKey> = {}): Promise<string> {
      const all = { name: "test", scopes: ["admin"], selector: null, expiresAt: null, ...wanted };
      return (await createKey(context, all, "operator")).credential;
    },
    /** The credential of a session, as if somebody had signed in. */
    async session(subject: SessionSubject): Promise<string> {
      const now = context.clock.now();
      const id = newId(context, "ses");
      const credential = makeCredential("session", id, context.chance.bytes(SECRET_BYTES));
      const expiresAt = new Date(now.getTime() + DAY_MS);
      const row = { id, digest: secrets.digest(credential), subject, createdAt: now, expiresAt };
      await base.store.transaction((tx) => tx.addSession(row));
      return credential;
    },
    /** The environment of a pull request of acme/shop, as its intake makes it. */
    async pull(number: number, labels: Labels = {}): Promise<string> {
      const now = context.clock.now();
      const ref = { host: HOST, repositoryId: shop.repositoryId, number };
      const id = newId(context, "env");
      const owner = {
        id,
        kind: "pull",
        ...{ ownerKey: ownerKey(ref, "shop"), pullKey: pullKey(ref) },
      } as const;
      const rest = { repositoryId: shop.repositoryId, number, database: "shop", author: "wendy", labels };
      const wanted = {
        wanted: "present",
        wantedReason: "pull_open",
        headSha: "a".repeat(40),
        until: null,
      } as const;
      await base.store.transaction(async (tx) => {
        await tx.putRepository(shop, now);
        await tx.putPull({ ...shop, number, baseRef: "main" }, "open", now);
        await tx.insertEnvironment(newEnvironment({ ...owner, ...rest, ...wanted }, now));
      });
      return id;
    },
  };
}

export type ApiService = ReturnType<typeof createApiService>;

/** Asks as the holder of the credential. */
export async function askAs(
  { app }: Pick<ApiService, "app">,
  credential: string,
  method: string,
  url: string,
  payload?: object,
  headers: Readonly<Record<string, string>> = {},
) {
  const asked = {
    method: method as "GET",
    url,
    headers: { authorization: `Bearer ${credential}`, ...headers },
  };
  return app.inject(payload === undefined ? asked : { ...asked, payload });
}

export const JOB_OF = (number: number): SessionSubject & { readonly kind: "job" } => ({
  kind: "job",
  name: `acme/shop#${number}`,
  place: { kind: "pull", host: HOST, repositoryId: 4001, number },
});
export const PERSON = (login: string): SessionSubject => ({ kind: "person", host: HOST, login });
