import type { Caller } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";
import type { DeviceLogin } from "../handlers/ports-api.ts";
import type { SessionView } from "../handlers/sessions.ts";
import { GITHUB_REASONS } from "./problem-status.ts";
import type { AddRoute } from "./route.ts";
import { DevicePoll, SessionRequest } from "./schemas.ts";

/** How jobs and people sign in; see handlers/sessions.ts for the reasons. */
export interface Access {
  exchangeJobToken(oidcToken: string): Promise<SessionView>;
  beginLogin(): Promise<DeviceLogin>;
  pollLogin(deviceCode: string): Promise<SessionView | { readonly intervalSeconds: number }>;
}

const tag = "Access";

/** Who asks, and how to become somebody. */
export function accessRoutes(add: AddRoute, access: Access): void {
  add({
    ...{ method: "GET", url: "/self", operationId: "getSelf", tag },
    summary: "Who is asking, as the service sees it",
    answers: { 200: ["The caller.", "Self"] },
    handle: async ({ caller }) => ({ body: selfOf(caller) }),
  });
  add({
    ...{ method: "POST", url: "/sessions", operationId: "createSession", tag, isPublic: true },
    summary: "Exchange a GitHub Actions OIDC token for a session",
    description:
      "The token's audience must be this service's address, and it works once. The session reaches the databases of exactly the pull request, or git branch, that the job runs for.",
    body: SessionRequest,
    answers: { 201: ["The session.", "Session"] },
    reasons: [
      ...(["oidc_invalid", "oidc_expired", "oidc_audience", "oidc_issuer", "oidc_replayed"] as const),
      ...(["oidc_event", "oidc_fork", "oidc_closed", "oidc_not_installed", "oidc_unavailable"] as const),
      ...GITHUB_REASONS,
    ],
    handle: async ({ body }) => ({ status: 201, body: await access.exchangeJobToken(body.oidcToken) }),
  });
  add({
    ...{ method: "POST", url: "/login", operationId: "beginLogin", tag, isPublic: true },
    summary: "Begin to sign in with GitHub",
    description: "Show the code to the person and send them to the address; then poll.",
    answers: { 201: ["The code to show, and the one to poll with.", "DeviceLogin"] },
    reasons: ["login_missing", "github_unavailable"],
    handle: async () => ({ status: 201, body: await access.beginLogin() }),
  });
  add({
    ...{ method: "POST", url: "/login/poll", operationId: "pollLogin", tag, isPublic: true },
    summary: "Ask whether the person has signed in",
    body: DevicePoll,
    answers: {
      201: ["Signed in.", "Session"],
      202: ["Not yet; ask again after the interval.", "LoginPending"],
    },
    reasons: ["login_denied", "login_expired", "login_missing", "github_unavailable"],
    async handle({ body }) {
      const answer = await access.pollLogin(body.deviceCode);
      if ("credential" in answer) return { status: 201, body: answer };
      return { status: 202, body: { status: "pending", ...answer } };
    },
  });
}

function selfOf(caller: Caller) {
  switch (caller.kind) {
    case "anonymous":
      throw new Refused("unauthenticated", "This needs a credential.");
    case "key": {
      const { kind, name, scopes, selector, expiresAt } = caller;
      return { kind, name, scopes, selector, expiresAt };
    }
    case "job":
      return {
        kind: caller.kind,
        name: caller.name,
        scopes: [],
        selector: null,
        expiresAt: caller.expiresAt,
      };
    case "person":
      return {
        kind: caller.kind,
        name: caller.login,
        scopes: [],
        selector: null,
        expiresAt: caller.expiresAt,
      };
  }
}
