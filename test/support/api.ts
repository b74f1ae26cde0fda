import { type Caller, SCOPES } from "../../service/domain/caller.ts";
import { Refused } from "../../service/domain/errors.ts";
import type { Journal, Log } from "../../service/handlers/ports.ts";
import type { ApiDeps } from "../../service/http/api.ts";
import { buildApp } from "../../service/http/app.ts";
import type { Access } from "../../service/http/routes-access.ts";
import { createMemoryHandlers } from "./api-handlers.ts";

export const PUBLIC_URL = "https://offshoot.example";
export const QUIET: Log = { info: () => {}, warn: () => {}, error: () => {} };
const journal: Journal = { append: async () => {} };

/** A key of all scopes, but for what is changed. */
export function keyCaller(change: Partial<Extract<Caller, { kind: "key" }>> = {}): Caller {
  const id = `key_${"0".repeat(22)}`;
  return { kind: "key", id, name: "test", scopes: SCOPES, selector: null, expiresAt: null, ...change };
}

const noAccess: Access = {
  exchangeJobToken: () => Promise.reject(new Refused("oidc_invalid", "This is not a JSON Web Token.")),
  beginLogin: () => Promise.reject(new Refused("login_missing", "There is no sign-in.")),
  pollLogin: () => Promise.reject(new Refused("login_missing", "There is no sign-in.")),
};

/** The application with the API: `Bearer <name>` is the caller of that name. */
export function buildApi({
  trustedProxies = [],
  ...deps
}: Partial<ApiDeps> & {
  readonly callers?: Readonly<Record<string, Caller>>;
  readonly trustedProxies?: readonly string[];
} = {}) {
  const callers = { key: keyCaller(), ...deps.callers };
  const { handlers, tenants, asked } = createMemoryHandlers();
  const api: ApiDeps = {
    handlers,
    access: noAccess,
    async authenticate(credential) {
      const caller = Object.entries(callers).find(([name]) => name === credential)?.[1];
      if (!caller) throw new Refused("credential_invalid", "The credential is not one of this service.");
      return caller;
    },
    publicUrl: PUBLIC_URL,
    webUrl: "https://github.test",
    log: QUIET,
    perMinute: 1_000_000,
    anonymousPerMinute: 1_000_000,
    ...deps,
  };
  const app = buildApp({
    ...{ appId: 1, host: "github.test", verify: async () => true, journal },
    ...{ nudge: { nudge: () => {} }, log: QUIET, ready: async () => {}, api, trustedProxies },
  });
  return { app, tenants, asked };
}
