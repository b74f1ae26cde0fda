import { randomBytes } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { badCredentials, invalid } from "./api-error.ts";
import type { Apps, Permissions } from "./app.ts";
import type { Account, Repository } from "./model.ts";
import { APP_ID, CLIENT_ID } from "./state.ts";

export type Credentials = ReturnType<typeof createCredentials>;

/** What an installation token allows. */
export interface Grant {
  readonly permissions: Permissions;
  /** Null: every repository of the installation. */
  readonly repositoryIds: readonly number[] | null;
  readonly expiresAt: Date;
}

/** GitHub: an installation token expires after one hour. */
const TOKEN_SECONDS = 3600;
/** GitHub: a JWT may expire at most 10 minutes from now. */
const JWT_MAX_SECONDS = 600;
/** GitHub: a user's token expires after eight hours, what it can be renewed with after six months. */
const USER_TOKEN_SECONDS = 28_800;
const REFRESH_SECONDS = 15_811_200;
/** How far the clocks may be apart. */
const CLOCK_SECONDS = 60;
/** Octets of the three parts of a token since April 2026; about 520 characters in all. */
const TOKEN_PARTS = [18, 150, 86];

const USER_TOKEN_CHARACTERS = 36;
const REFRESH_TOKEN_CHARACTERS = 76;

interface UserGrant {
  readonly account: Account;
  readonly expiresAt: number;
}

/** What the App signs, and the tokens that were handed out. */
export function createCredentials(apps: Pick<Apps, "current">) {
  let grants = new Map<string, Grant>();
  let users = new Map<string, UserGrant>();
  return {
    /** Throws 401 unless it is a JWT of the App that is valid now. (generating-a-json-web-token-jwt-for-a-github-app) */
    async checkJwt(jwt: string): Promise<void> {
      const now = Math.floor(Date.now() / 1000);
      const app = apps.current();
      if (!app) throw badCredentials("Integration not found");
      const { payload } = await jwtVerify(jwt, app.publicKey, {
        algorithms: ["RS256"],
        requiredClaims: ["iat", "exp", "iss"],
        clockTolerance: CLOCK_SECONDS,
      }).catch((error: unknown) => {
        throw badCredentials(jwtProblem(error));
      });
      checkClaims(payload, now);
    },
    /** A new token; it holds what the caller has checked. */
    issue(permissions: Permissions, repositoryIds: readonly number[] | null) {
      const now = Date.now();
      grants = new Map([...grants].filter(([, { expiresAt }]) => expiresAt.getTime() > now));
      const parts = TOKEN_PARTS.map((bytes) => randomBytes(bytes).toString("hex"));
      const token = `ghs_${APP_ID}_${parts.join(".")}`;
      const grant = { permissions, repositoryIds, expiresAt: new Date(now + TOKEN_SECONDS * 1000) };
      grants.set(token, grant);
      return { token, grant };
    },
    /** What a token allows; throws 401 if it is not known, or no longer. */
    grantOf(token: string): Grant {
      const grant = grants.get(token);
      if (!grant || grant.expiresAt.getTime() <= Date.now()) throw badCredentials();
      return grant;
    },
    revoke(token: string): void {
      grants.delete(token);
    },
    /** The body that hands a person's token to the App. It cannot be renewed here: the person logs in again. */
    issueToUser(account: Account) {
      const now = Date.now();
      users = new Map([...users].filter(([, { expiresAt }]) => expiresAt > now));
      const token = `ghu_${tokenText(USER_TOKEN_CHARACTERS)}`;
      users.set(token, { account, expiresAt: now + USER_TOKEN_SECONDS * 1000 });
      return {
        ...{ access_token: token, expires_in: USER_TOKEN_SECONDS, token_type: "bearer", scope: "" },
        refresh_token: `ghr_${tokenText(REFRESH_TOKEN_CHARACTERS)}`,
        refresh_token_expires_in: REFRESH_SECONDS,
      };
    },
    /** Whose token it is; throws 401 if it is not known, or no longer. */
    userOf(token: string): Account {
      const user = users.get(token);
      if (!user || user.expiresAt <= Date.now()) throw badCredentials();
      return user.account;
    },
  };
}

/** The permissions that a token is asked for: some of those granted, or all of them. Throws 422 for any other. */
export function readPermissions(all: Permissions, wanted: unknown): Permissions {
  if (wanted === undefined || wanted === null) return all;
  if (typeof wanted !== "object" || Array.isArray(wanted))
    throw invalid("Invalid request.\n\nFor 'properties/permissions', not an object.");
  const refused = "The permissions requested are not granted to this installation.";
  const entries = Object.entries(wanted).map(([name, level]) => {
    const granted = Object.entries(all).find(([known]) => known === name)?.[1];
    const isGranted = granted !== undefined && (level === granted || level === "read");
    if (!isGranted) throw invalid(refused);
    return [name, level];
  });
  // Every token may read metadata.
  return Object.fromEntries([...entries, ["metadata", "read"]]) as Permissions;
}

/** Whether a token reaches a repository. */
export function covers({ repositoryIds }: Grant, { id }: Repository): boolean {
  return repositoryIds === null || repositoryIds.includes(id);
}

/** Hexadecimal digits: some of what GitHub draws its tokens from. */
function tokenText(characters: number): string {
  return randomBytes(characters / 2).toString("hex");
}

function checkClaims({ iat, exp, iss }: JWTPayload, now: number): void {
  if (String(iss) !== String(APP_ID) && iss !== CLIENT_ID) throw badCredentials("Integration not found");
  if (typeof exp !== "number" || exp > now + JWT_MAX_SECONDS + CLOCK_SECONDS) {
    throw badCredentials("'Expiration time' claim ('exp') is too far in the future");
  }
  if (typeof iat !== "number" || iat > now + CLOCK_SECONDS) {
    throw badCredentials(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
}

function jwtProblem(error: unknown): string {
  if (error instanceof errors.JWTExpired) {
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  }
  return "A JSON web token could not be decoded";
}
