/** `offshoot login` and `offshoot logout`. */
import { createClient, jobCredential, type Self } from "../client/client.ts";
import { type Command, URL_OPTION } from "./command.ts";
import { EXIT, usage } from "./exit.ts";
import { keepLogin, type Login, readLogins } from "./logins.ts";
import { jobIdentity, serviceUrl } from "./service.ts";
import { type Io, note, say, sayJson, shown, time } from "./terminal.ts";
import { readAll } from "./values.ts";
import { USER_AGENT } from "./version.ts";

/** A credential has 70 characters; a file with a line break and a comment is no key. */
const KEY_BYTES_MAX = 1_000;

const login: Command = {
  name: "login",
  usage: "",
  summary: "sign in to a service, and stay so",
  args: [0, 0],
  options: { ...URL_OPTION, key: { type: "boolean", help: "with an API key, read from standard input" } },
  details:
    "Without --key: with OFFSHOOT_KEY if it is set, in a job of GitHub Actions by its identity, and else by GitHub in the browser. The credential is kept in a file that only you can read.",
  async run(io, input) {
    const url = await serviceUrl(io, { url: input.text("url") });
    const kept = await credentialOf(io, url, input.is("key"));
    const self = await createClient({ url, credential: kept.credential, userAgent: USER_AGENT }).self();
    await keepLogin(io, url, { ...kept, expiresAt: kept.expiresAt ?? self.expiresAt });
    if (input.json) sayJson(io, { url, ...self });
    else say(io, `Signed in to ${url} as ${selfText(self)}`);
    return EXIT.done;
  },
};

async function credentialOf(io: Io, url: string, fromInput: boolean): Promise<Login> {
  if (fromInput) {
    if (io.stdin.isTTY) note(io, "Paste the key, press Enter, then Ctrl-D:");
    return keyLogin(await readAll(io, KEY_BYTES_MAX));
  }
  const key = io.env["OFFSHOOT_KEY"];
  if (key) return keyLogin(key);
  const identity = jobIdentity(io);
  if (identity) {
    const credential = await jobCredential({ url, ...identity, userAgent: USER_AGENT })();
    return { credential, expiresAt: null };
  }
  const { signIn } = await import("./sign-in.ts");
  return signIn(io, url);
}

function keyLogin(text: string): Login {
  const credential = text.trim();
  if (!/^of[ks]_\w+_[\w-]+$/.test(credential))
    throw usage("This is no key of Offshoot: it begins with ofk_.");
  return { credential, expiresAt: null };
}

/** Who somebody is, in one line. */
export function selfText({ kind, name, scopes, expiresAt }: Self): string {
  const what = scopes.length > 0 ? `: ${scopes.join(", ")}` : "";
  return shown(`${kind} ${name}${what}${expiresAt ? ` until ${time(expiresAt)} UTC` : ""}`);
}

const logout: Command = {
  name: "logout",
  usage: "",
  summary: "forget the credential of a service",
  args: [0, 0],
  options: URL_OPTION,
  async run(io, input) {
    const url = await serviceUrl(io, { url: input.text("url") });
    const known = url in (await readLogins(io));
    await keepLogin(io, url, null);
    note(io, known ? `Signed out of ${url}.` : `You were not signed in to ${url}.`);
    return EXIT.done;
  },
};

export const commands: readonly Command[] = [login, logout];
