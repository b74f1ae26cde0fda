import { randomBytes, randomInt } from "node:crypto";
import type { Credentials } from "./credentials.ts";
import type { Account } from "./model.ts";
import { CLIENT_ID } from "./state.ts";

/** GitHub's lifetime of the codes. (generating-a-user-access-token, device flow) */
const EXPIRES_SECONDS = 900;
/** How often a device may ask at GitHub. */
export const INTERVAL_SECONDS = 5;
/** A device that asks too early has to wait so much longer from then on. */
const SLOW_DOWN_SECONDS = 5;
/** A bound on the logins that are remembered. */
const LOGINS_MAX = 1_000;
/** Without vowels, so that no word comes out, and without digits that look like letters. */
const CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789";
const CODE_HALF = 4;
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";
const DOCUMENTATION_URL =
  "https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app";

/** What OAuth answers, with status 200 even when it is an error. */
export type OAuthAnswer = Readonly<Record<string, string | number>>;
export type DeviceLogins = ReturnType<typeof createDeviceLogins>;

interface Login {
  readonly deviceCode: string;
  readonly userCode: string;
  expiresAt: number;
  intervalSeconds: number;
  askedAt: number;
  /** Null until somebody has decided. */
  decision: { readonly by: Account; readonly approved: boolean } | null;
}

/** OAuth's device flow of the App: a device shows a code, a person types it in and lets the device act as them. */
export function createDeviceLogins(credentials: Credentials, interval = INTERVAL_SECONDS) {
  let logins: readonly Login[] = [];
  const remove = (login: Login) => {
    logins = logins.filter((one) => one !== login);
  };
  const waiting = () =>
    logins.filter(({ decision, expiresAt }) => decision === null && expiresAt > Date.now());
  return {
    /** Begins a login. In: where people type the code. */
    begin(verificationUri: string): OAuthAnswer {
      const login: Login = {
        ...{ deviceCode: randomBytes(20).toString("hex"), userCode: newUserCode() },
        ...{ expiresAt: Date.now() + EXPIRES_SECONDS * 1000, intervalSeconds: interval },
        ...{ askedAt: 0, decision: null },
      };
      logins = [...logins, login].slice(-LOGINS_MAX);
      return {
        ...{ device_code: login.deviceCode, user_code: login.userCode, verification_uri: verificationUri },
        ...{ expires_in: EXPIRES_SECONDS, interval },
      };
    },
    /** What the device asks again and again. The answer with the token comes once. */
    ask(fields: Readonly<Record<string, unknown>>): OAuthAnswer {
      if (fields["client_id"] !== CLIENT_ID) return problem("incorrect_client_credentials");
      if (fields["grant_type"] !== GRANT_TYPE) return problem("unsupported_grant_type");
      const login = logins.find(({ deviceCode }) => deviceCode === fields["device_code"]);
      if (!login) return problem("incorrect_device_code");
      if (login.expiresAt <= Date.now()) return problem("expired_token");
      const early = Date.now() < login.askedAt + login.intervalSeconds * 1000;
      login.askedAt = Date.now();
      if (early) {
        login.intervalSeconds += SLOW_DOWN_SECONDS;
        return { ...problem("slow_down"), interval: login.intervalSeconds };
      }
      if (login.decision === null) return problem("authorization_pending");
      remove(login);
      if (!login.decision.approved) return problem("access_denied");
      return credentials.issueToUser(login.decision.by);
    },
    /** The codes that wait for somebody, the newest first. */
    waiting: (): readonly string[] =>
      waiting()
        .map(({ userCode }) => userCode)
        .reverse(),
    /** A person's decision. Out: whether there is such a code, in whatever way it is typed. */
    decide(typed: string, by: Account, approved: boolean): boolean {
      const login = waiting().find(({ userCode }) => plain(userCode) === plain(typed));
      if (login) login.decision = { by, approved };
      return login !== undefined;
    },
    /** Ends the lifetime of a code now. Out: whether there is such a code. */
    runOut(typed: string): boolean {
      const login = logins.find(({ userCode }) => plain(userCode) === plain(typed));
      if (login) login.expiresAt = Date.now();
      return login !== undefined;
    },
  };
}

const PROBLEMS = {
  authorization_pending: "The authorization request is still pending.",
  slow_down: "Too many requests have been made in the same timeframe.",
  expired_token: "The device_code has expired.",
  access_denied: "The authorization request was denied.",
  incorrect_client_credentials: "The client_id and/or client_secret passed are incorrect.",
  incorrect_device_code: "The device_code provided is not valid.",
  unsupported_grant_type: `The grant type must be ${GRANT_TYPE}.`,
} as const;

function problem(error: keyof typeof PROBLEMS): OAuthAnswer {
  return { error, error_description: PROBLEMS[error], error_uri: DOCUMENTATION_URL };
}

function newUserCode(): string {
  const half = () =>
    Array.from({ length: CODE_HALF }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join("");
  return `${half()}-${half()}`;
}

function plain(code: string): string {
  return code.replace(/[\s-]/g, "").toUpperCase();
}
