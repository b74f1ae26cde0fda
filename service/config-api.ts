/** The variables of the API: its public address, who may sign in without a key, and who stands before it. */
import { isIP } from "node:net";
import type { Config } from "./config-shape.ts";
import type { Reader } from "./env-reader.ts";

/** The issuer of GitHub Actions on github.com. GitHub Enterprise Server has `https://<host>/_services/token`. */
const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
/** An enterprise has one issuer, or two while it moves. */
const ISSUERS_MAX = 8;
/** The published networks of a large content delivery network are a few dozen. */
const PROXIES_MAX = 100;

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
    trustedProxies: trustedProxies(read),
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

function trustedProxies(read: Reader): readonly string[] {
  const expected = `up to ${PROXIES_MAX} addresses or networks, such as 10.0.0.0/8, separated by commas`;
  const given = read.optional("OFFSHOOT_TRUSTED_PROXIES", /^[\da-fA-F.:/, ]{1,5000}$/, expected);
  const proxies = given?.split(",").map((proxy) => proxy.trim()) ?? [];
  const wrong = proxies.find((proxy) => !isNetwork(proxy));
  if (wrong === undefined && proxies.length <= PROXIES_MAX) return proxies;
  read.problem("OFFSHOOT_TRUSTED_PROXIES", JSON.stringify(wrong ?? given), expected);
  return [];
}

/** An address, or a network of it. Everybody (`/0`) is no proxy: anyone could say then who asks. */
function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === "" && !text.endsWith("/");
}
