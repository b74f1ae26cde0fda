import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign as signBytes,
} from "node:crypto";
import type { Site } from "./bodies-repository.ts";

/** Where the issuer of Actions' tokens is, below the page; on GitHub Enterprise Server it is `/_services/token`. */
export const ACTIONS_PREFIX = "/_actions";
/** GitHub's lifetimes: a token lives five minutes and counts from ten minutes ago. (openid-connect, sample) */
const LIFETIME_SECONDS = 300;
const NOT_BEFORE_SECONDS = 600;

/** Texts by name: every id is one, too. */
export type Claims = Readonly<Record<string, string>>;
/** What a test may put in the place of what is right; null leaves it out. */
export type Overrides = Readonly<Record<string, unknown>>;

/** How the keys are answered: as they are, with an error, or not at all. */
export type JwksAnswer = "on" | 500 | "hang";
export type Issuer = ReturnType<typeof createIssuer>;

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

export interface Forgery {
  readonly claims?: Overrides;
  readonly header?: Overrides;
  /** A stranger's key is published nowhere; the token names the current one all the same. */
  readonly signedWith?: "current" | "stranger";
}

/** GitHub Actions' issuer of OIDC tokens: its keys, what it publishes, and the tokens. */
export function createIssuer(site: Site) {
  /** The newest signs; all are published. The first is made when it is needed: that takes a moment. */
  let keys: readonly SigningKey[] = [];
  let jwksAnswer: JwksAnswer = "on";
  let jwksReads = 0;
  const published = (): readonly [SigningKey, ...SigningKey[]] => {
    const [current = createKey(), ...older] = keys;
    keys = [current, ...older];
    return [current, ...older];
  };
  const url = () => site.pageUrl + ACTIONS_PREFIX;
  return {
    /** Its identifier, the claim `iss`. */
    url,
    /** A token of these claims for an audience, valid from now, but for what a forgery changes. */
    sign(claims: Claims, audience: string, forgery: Forgery = {}): string {
      const [{ kid, privateKey }] = published();
      const now = Math.floor(Date.now() / 1000);
      const times = { iat: now, nbf: now - NOT_BEFORE_SECONDS, exp: now + LIFETIME_SECONDS };
      const payload = { jti: randomUUID(), ...claims, aud: audience, iss: url(), ...times };
      const header = { typ: "JWT", alg: "RS256", x5t: kid, kid };
      const key = forgery.signedWith === "stranger" ? createKey().privateKey : privateKey;
      return signToken(override(header, forgery.header), override(payload, forgery.claims), key);
    },
    /** The key set; counts how often it is read. */
    jwks() {
      jwksReads += 1;
      return { keys: published().map(({ jwk }) => jwk) };
    },
    jwksAnswer: () => jwksAnswer,
    setJwksAnswer(answer: JwksAnswer): void {
      jwksAnswer = answer;
    },
    /** A new key signs from now on; the older ones stay published. */
    rotate(): void {
      keys = [createKey(), ...published()];
    },
    /** Only the key that signs is published from now on. */
    dropOldKeys(): void {
      keys = published().slice(0, 1);
    },
    /** For tests: the keys, the newest first, and how often they were read. */
    show: () => ({ issuer: url(), kids: published().map(({ kid }) => kid), jwksReads }),
  };
}

/** `/.well-known/openid-configuration`, as far as GitHub's has it. */
export function discoveryBody(issuer: string) {
  return {
    ...{ issuer, jwks_uri: `${issuer}/.well-known/jwks` },
    ...{ subject_types_supported: ["public", "pairwise"], response_types_supported: ["id_token"] },
    ...{ id_token_signing_alg_values_supported: ["RS256"], scopes_supported: ["openid"] },
    claims_supported: [...CLAIMS],
  };
}

const CLAIMS = [
  ...["sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "sha", "ref_type", "head_ref", "base_ref"],
  ...["repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility"],
  ...["run_id", "run_number", "run_attempt", "actor", "actor_id", "event_name", "environment"],
  ...["workflow", "workflow_ref", "workflow_sha", "job_workflow_ref", "job_workflow_sha"],
  ...["runner_environment", "check_run_id"],
];

function createKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  const kid = createHash("sha1").update(der).digest("hex").toUpperCase();
  return {
    ...{ kid, privateKey },
    jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256", x5t: kid },
  };
}

/** Signed by hand, because a library would refuse the headers that attackers write. */
function signToken(header: object, payload: object, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${signBytes("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

function override(right: object, wrong: Overrides = {}): object {
  return Object.fromEntries(Object.entries({ ...right, ...wrong }).filter(([, value]) => value !== null));
}
