/** Set-up: what is kept of the GitHub App that it makes, and what GitHub is asked to make. */
import { APP_EVENTS, APP_PERMISSIONS } from "./app-permissions.ts";

/** Names and values that are environment variables once they are merged into the process's own. */
export type Pairs = Readonly<Record<string, string>>;

/** The names of what set-up keeps. */
export const PAIR = {
  appId: "OFFSHOOT_GITHUB_APP_ID",
  privateKey: "OFFSHOOT_GITHUB_PRIVATE_KEY",
  webhookSecrets: "OFFSHOOT_GITHUB_WEBHOOK_SECRETS",
  clientId: "OFFSHOOT_GITHUB_CLIENT_ID",
  codeDigest: "OFFSHOOT_SETUP_CODE_SHA256",
  codeExpires: "OFFSHOOT_SETUP_CODE_EXPIRES",
} as const;

/** What only set-up itself reads. */
export const SETUP_PAIRS: readonly string[] = [PAIR.codeDigest, PAIR.codeExpires];

/** A fresh GitHub App, as GitHub shows it once. Its client secret is not needed, and so not kept. */
export interface MadeApp {
  readonly appId: number;
  readonly slug: string;
  readonly clientId: string;
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** Its public page. */
  readonly url: string;
}

/** The longest name that an App may have (GitHub's form refuses more). */
const NAME_CHARACTERS = 34;
/** A login on GitHub: letters, digits and single hyphens (its sign-up page). */
const LOGIN = /^[A-Za-z0-9](?:-?[A-Za-z0-9_]){0,99}$/;

export function isLogin(text: string): boolean {
  return LOGIN.test(text);
}

/** A link that begins the set-up; whoever has it makes the App. */
export function setupLink(publicUrl: string, code: string): string {
  return `${publicUrl}/setup?code=${code}`;
}

/** The pairs that open the set-up to whoever has the code. */
export function openingPairs(codeDigest: string, expires: Date): Pairs {
  return { [PAIR.codeDigest]: codeDigest, [PAIR.codeExpires]: expires.toISOString() };
}

/** The pairs after the set-up: the App's, and no code any more. */
export function pairsOfApp(before: Pairs, app: MadeApp): Pairs {
  const others = Object.entries(before).filter(([name]) => !SETUP_PAIRS.includes(name));
  return {
    ...Object.fromEntries(others),
    [PAIR.appId]: String(app.appId),
    [PAIR.privateKey]: app.privateKey,
    [PAIR.webhookSecrets]: app.webhookSecret,
    [PAIR.clientId]: app.clientId,
  };
}

/** Where the manifest is posted to. (registering-a-github-app-from-a-manifest) */
export function manifestAddress(webUrl: string, organization: string | null, state: string): string {
  const owner = organization === null ? "" : `/organizations/${encodeURIComponent(organization)}`;
  return `${webUrl}${owner}/settings/apps/new?state=${encodeURIComponent(state)}`;
}

/** The App that is wanted, as GitHub's manifest flow takes it. Names are unique on a GitHub; a person may change it there. */
export function appManifest(publicUrl: string, nameEnd: string): Readonly<Record<string, unknown>> {
  return {
    name: `Offshoot ${nameEnd}`.slice(0, NAME_CHARACTERS).trim(),
    url: publicUrl,
    description: "A database of its own for every pull request.",
    hook_attributes: { url: `${publicUrl}/webhooks/github`, active: true },
    redirect_url: `${publicUrl}/setup/callback`,
    public: false,
    default_permissions: APP_PERMISSIONS,
    default_events: APP_EVENTS,
  };
}
