/** The variables of the API: its public address, and who may sign in without a key. */
import type { Config } from "./config-shape.ts";
import type { Reader } from "./env-reader.ts";

/** The issuer of GitHub Actions on github.com. GitHub Enterprise Server has `https://<host>/_services/token`. */
const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
/** An enterprise has one issuer, or two while it moves. */
const ISSUERS_MAX = 8;

/** Reads and checks them; problems go to `read`. */
export function apiConfig(read: Reader, http: Config["http"], githubHost: string): Config["api"] {
  const local = `http://${http.host.includes(":") ? `[${http.host}]` : http.host}:${http.port}`;
  return {
    publicUrl: publicUrl(read, local),
    githubClientId: read.optional(
      "OFFSHOOT_GITHUB_CLIENT_ID",
      /^[\w.-]{1,100}$/,
      "the App's client id, such as Iv23li…",
    ),
    oidcIssuers: issuers(read, githubHost === "github.com" ? GITHUB_ISSUER : ""),
  };
}

function publicUrl(read: Reader, fallback: string): string {
  const url = read.url("OFFSHOOT_PUBLIC_URL", ["https:", "http:"], fallback);
  if (!isPlain(url)) {
    read.problem("OFFSHOOT_PUBLIC_URL", JSON.stringify(url), "a URL without user, query or fragment");
  }
  return url;
}

function issuers(read: Reader, fallback: string): readonly string[] {
  const expected = `1 to ${ISSUERS_MAX} URLs, separated by commas, as they stand in the claim iss`;
  const given = read.text("OFFSHOOT_OIDC_ISSUERS", /^\S{1,2000}$/, expected, fallback);
  const urls = given.split(",").filter((url) => url !== "");
  const good = urls.length <= ISSUERS_MAX && urls.every((url) => /^https?:\/\//.test(url) && isPlain(url));
  if (!good) read.problem("OFFSHOOT_OIDC_ISSUERS", JSON.stringify(given), expected);
  return good ? urls : [];
}

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === "" && !text.endsWith("/");
}
