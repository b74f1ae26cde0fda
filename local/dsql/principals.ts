import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Type from "typebox";
import Value from "typebox/value";
import { denies, type Policy, parseSessionPolicy, permits } from "./policy.ts";
import { equal } from "./text.ts";

/** Who signs with an access key. */
export interface Identity {
  accessKeyId: string;
  secretAccessKey: string;
  /** What policies and IAM grants compare: of a session, the ARN of its role (`aws:PrincipalArn`). */
  principalArn: string;
  /** How AWS names the caller in messages and in GetCallerIdentity. */
  callerArn: string;
  /** The unique id of the caller, `AROA…:session`. */
  userId: string;
  /** Told of everything that this caller asks for, if somebody wants to know. */
  heard?: Heard;
  /** Of temporary credentials only. */
  session?: { token: string; expiresAt: number; policy?: Policy };
}

/** Hears who asks for what, before it is decided. */
export type Heard = (identity: Identity, action: string, resource: string) => void;

/** What is wrong with somebody's credentials or signature, in words for the one who signed. */
export interface Refusal {
  refused: string;
  kind: "missing" | "unknown" | "expired" | "signature";
}

export interface SessionInput {
  roleArn: string;
  roleName: string;
  sessionName: string;
  durationSeconds: number;
  /** As JSON; the caller has checked it with `parseSessionPolicy`. */
  policy?: string;
}

export interface Principals {
  /** In: what the request names; nothing of it is believed before the signature is compared with the secret. */
  find(accessKeyId: string, sessionToken: string | undefined, now: Date): Identity | Refusal;
  issue(input: SessionInput, now: Date): Identity;
}

const LOCAL_KEY = "local";

/** The role that the permanent key stands for; it may do everything, as a service's own role may. */
const OPERATOR = "local-operator";

const KEY_FILE = "sessions-key";
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 32;

const Claims = Type.Object({
  accessKeyId: Type.String(),
  roleArn: Type.String(),
  roleName: Type.String(),
  sessionName: Type.String(),
  expiresAt: Type.Number(),
  policy: Type.Optional(Type.String()),
});
type Claims = Type.Static<typeof Claims>;

/**
 * The principals of the local account: the permanent key `local`/`local`, and the sessions of roles that the local STS gave out.
 * A session token carries its session, sealed with a key of this directory: there is no table to bound, and sessions outlive a
 * restart, as those of the real STS do.
 */
export function openPrincipals(directory: string, accountId: string, heard?: Heard): Principals {
  const key = openKey(directory);
  const told = heard ? { heard } : {};
  const operator: Identity = {
    ...told,
    ...{ accessKeyId: LOCAL_KEY, secretAccessKey: LOCAL_KEY },
    ...namesOf(accountId, `arn:aws:iam::${accountId}:role/${OPERATOR}`, OPERATOR, "local"),
  };
  const secretOf = (accessKeyId: string) =>
    digest(key, `secret ${accessKeyId}`).toString("base64").slice(0, 40);
  const identify = (claims: Claims, token: string): Identity => ({
    ...told,
    accessKeyId: claims.accessKeyId,
    secretAccessKey: secretOf(claims.accessKeyId),
    ...namesOf(accountId, claims.roleArn, claims.roleName, claims.sessionName),
    session: {
      ...{ token, expiresAt: claims.expiresAt },
      ...(claims.policy === undefined ? {} : { policy: parseSessionPolicy(claims.policy) }),
    },
  });
  return {
    find(accessKeyId, token, now) {
      if (token === undefined && accessKeyId === LOCAL_KEY) return operator;
      const claims = token === undefined ? undefined : unseal(key, token);
      if (token === undefined || claims?.accessKeyId !== accessKeyId) return UNKNOWN;
      return now.getTime() < claims.expiresAt ? identify(claims, token) : EXPIRED;
    },
    issue({ durationSeconds, ...input }, now) {
      const accessKeyId = `ASIA${randomId()}`;
      const claims = { ...input, accessKeyId, expiresAt: now.getTime() + durationSeconds * 1000 };
      return identify(claims, seal(key, claims));
    },
  };
}

const UNKNOWN: Refusal = {
  refused: "The security token included in the request is invalid",
  kind: "unknown",
};
const EXPIRED: Refusal = {
  refused: "The security token included in the request is expired",
  kind: "expired",
};

/**
 * Whether a known caller may do it: everybody in the local account may do everything that neither the session's own policy
 * leaves out nor the cluster's policy denies. Out: AWS' words for a refusal; nothing if it is allowed.
 */
export function refuseAction(
  identity: Identity,
  action: string,
  resource: string,
  resourcePolicy: Policy = [],
): string | undefined {
  const { principalArn, callerArn, session, heard } = identity;
  heard?.(identity, action, resource);
  const question = { principalArn, callerArn, action, resource };
  const refusal = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource}`;
  if (denies(resourcePolicy, question)) return `${refusal} with an explicit deny in a resource-based policy`;
  if (session?.policy && !permits(session.policy, question))
    return `${refusal} because no session policy allows the ${action} action`;
  return undefined;
}

function namesOf(accountId: string, principalArn: string, roleName: string, sessionName: string) {
  const callerArn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`;
  return { principalArn, callerArn, userId: `${roleIdOf(principalArn)}:${sessionName}` };
}

/** The unique id that IAM gives a role: the same for the same ARN. */
export function roleIdOf(roleArn: string): string {
  return `AROA${base36(createHmac("sha256", "role").update(roleArn).digest())}`;
}

function randomId(): string {
  return base36(randomBytes(KEY_BYTES));
}

/** AWS' ids have 16 capital letters and digits after their prefix. */
function base36(bytes: Buffer): string {
  return BigInt(`0x${bytes.toString("hex")}`)
    .toString(36)
    .toUpperCase()
    .slice(-16)
    .padStart(16, "0");
}

function digest(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function seal(key: Buffer, claims: Claims): string {
  const text = JSON.stringify(claims);
  return Buffer.concat([digest(key, `session ${text}`), Buffer.from(text)]).toString("base64");
}

/** Out: what was sealed; nothing for a token that another directory made, or nobody. */
function unseal(key: Buffer, token: string): Claims | undefined {
  const bytes = Buffer.from(token, "base64");
  const text = bytes.subarray(SIGNATURE_BYTES).toString("utf8");
  const expected = digest(key, `session ${text}`).toString("base64");
  if (!equal(bytes.subarray(0, SIGNATURE_BYTES).toString("base64"), expected)) return undefined;
  return Value.Parse(Claims, JSON.parse(text));
}

function openKey(directory: string): Buffer {
  const path = join(directory, KEY_FILE);
  try {
    writeFileSync(path, randomBytes(KEY_BYTES), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new Error(`${path} is damaged: remove it; sessions of roles then end`);
  return key;
}
