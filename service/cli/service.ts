/** Which service is meant, and with which credential it is asked. */
import { type Client, createClient, jobCredential } from "../client/client.ts";
import { EXIT, Exit, usage } from "./exit.ts";
import { keepLogin, readLogins } from "./logins.ts";
import type { Io } from "./terminal.ts";
import { USER_AGENT } from "./version.ts";

export interface ServiceRequest {
  /** `--url`. */
  readonly url?: string | undefined;
  /** What the command is about; the address of a pull request at a service says which service it is. */
  readonly target?: string | undefined;
  /** Signs a person in when nobody is; without it the command says how to. */
  readonly signIn?: boolean;
}

/** Pull requests of github.com are no addresses of a service. Another host's may be told by OFFSHOOT_URL. */
const GITHUB = "https://github.com";

/** A client of the service that is meant. Throws Exit if none is known or nobody is signed in. */
export async function clientOf(io: Io, request: ServiceRequest): Promise<Client> {
  const url = await serviceUrl(io, request);
  const getCredential = await credentialOf(io, url, request);
  return createClient({ url, getCredential, userAgent: USER_AGENT });
}

/** The address of the service, without a slash at its end: told, or that of the target, or the only login. */
export async function serviceUrl(io: Io, { url, target }: ServiceRequest): Promise<string> {
  const told = url ?? io.env["OFFSHOOT_URL"];
  if (told) return checkedUrl(told);
  const origin = target && URL.canParse(target) ? new URL(target).origin : null;
  if (origin && origin !== GITHUB && origin !== "null") return checkedUrl(origin);
  const known = Object.keys(await readLogins(io));
  if (known.length === 1 && known[0]) return known[0];
  const next = "Set OFFSHOOT_URL, or give --url https://offshoot.example.com.";
  if (known.length === 0) throw usage(`Which service? ${next}`);
  throw usage(`You are signed in to ${known.join(" and ")}. ${next}`);
}

async function credentialOf(
  io: Io,
  url: string,
  request: ServiceRequest,
): Promise<() => Promise<string | null>> {
  const { env } = io;
  const key = env["OFFSHOOT_KEY"];
  if (key && (await keyIsFor(io, url, request))) return async () => key.trim();
  const login = (await readLogins(io))[url];
  if (login) return async () => login.credential;
  const identity = jobIdentity(io);
  if (identity) return jobCredential({ url, ...identity, userAgent: USER_AGENT });
  if (!request.signIn) {
    throw new Exit(
      EXIT.notAllowed,
      `You are not signed in to ${url}. Run \`offshoot login --url ${url}\`, or set OFFSHOOT_KEY.`,
    );
  }
  const { signIn } = await import("./sign-in.ts");
  const session = await signIn(io, url);
  await keepLogin(io, url, session);
  return async () => session.credential;
}

/** A key of the environment is never sent to an address that only a pasted target names. */
async function keyIsFor(io: Io, url: string, { target: _, ...told }: ServiceRequest): Promise<boolean> {
  try {
    return (await serviceUrl(io, told)) === url;
  } catch {
    return false;
  }
}

/** The identity of a job of GitHub Actions that may ask for OIDC tokens; null elsewhere. */
export function jobIdentity({ env }: Pick<Io, "env">) {
  const requestUrl = env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const requestToken = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  return requestUrl && requestToken ? { requestUrl, requestToken } : null;
}

function checkedUrl(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed?.protocol === "https:" || (parsed?.protocol === "http:" && isLocal(parsed.hostname))) {
    return text.replace(/\/+$/, "");
  }
  throw usage(`The address of the service must begin with https:// (http:// on this machine only): ${text}`);
}

/** Credentials travel in clear over http, so it is for this machine and for networks without a way out. */
function isLocal(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\]|[\w-]+)$/.test(host);
}
