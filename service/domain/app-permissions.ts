/** What the GitHub App must be granted: the one list that set-up asks for, tokens are made with and doctor compares. */
import { link } from "./markdown.ts";

/**
 * The least that the calls of adapters/github*.ts need. Checks: a check run beside the comment, which is left out where
 * an installation has not accepted it. Contents: migrations and heads of git branches. Issues and pull
 * requests: a pull request's comments are an issue's, and reactions on them need either, depending on GitHub's version;
 * issues also brings the event of a comment. Metadata: a person's permission.
 */
export const APP_PERMISSIONS = {
  checks: "write",
  contents: "read",
  issues: "write",
  metadata: "read",
  pull_requests: "write",
} as const;

/** The webhooks that are read; GitHub sends every App those about its installation unasked. */
export const APP_EVENTS = ["issue_comment", "pull_request", "push"] as const;

/** What GitHub says that an App, or an installation of it, has. */
export interface Granted {
  readonly permissions: Readonly<Record<string, string | undefined>>;
  readonly events: readonly string[];
}

/** What an installation of the App was granted; `url` is where its owner accepts more. */
export interface InstallationGrants extends Granted {
  readonly account: string;
  readonly url: string;
}

/** What an App is, as far as it concerns us; `settingsUrl` is where its owner grants more. */
export interface AppGrants extends Granted {
  readonly slug: string;
  readonly settingsUrl: string;
  /** Where the App is installed, each with what was accepted there. */
  readonly installations: readonly InstallationGrants[];
}

const LEVELS: readonly (string | undefined)[] = [undefined, "read", "write", "admin"];
/** Installations that one line names; there may be hundreds. */
const NAMED_MAX = 3;

/** Of what is needed, as much as was granted: GitHub refuses a token that is asked for more. */
export function grantedPermissions({ permissions }: Granted): Readonly<Record<string, "read" | "write">> {
  const found = Object.entries(APP_PERMISSIONS).flatMap(([name, level]) => {
    const granted = permissions[name];
    if (LEVELS.indexOf(granted) >= LEVELS.indexOf(level)) return [[name, level] as const];
    return granted === "read" ? [[name, granted] as const] : [];
  });
  return Object.fromEntries(found);
}

/** Whether check runs may be written there. */
export function mayWriteChecks(granted: Granted): boolean {
  return grantedPermissions(granted)["checks"] === "write";
}

/** What is missing, each as `issues: write` or `event push`; empty if nothing is. */
export function missingGrants({ permissions, events }: Granted): readonly string[] {
  const levels = Object.entries(APP_PERMISSIONS).filter(
    ([name, level]) => LEVELS.indexOf(permissions[name]) < LEVELS.indexOf(level),
  );
  return [
    ...levels.map(([name, level]) => `${name}: ${level}`),
    ...APP_EVENTS.filter((event) => !events.includes(event)).map((event) => `event ${event}`),
  ];
}

/** One line of Markdown that names what an installation has not granted, for whoever can; null if nothing. */
export function missingGrantsLine(installation: InstallationGrants): string | null {
  const missing = missingGrants(installation);
  if (missing.length === 0) return null;
  const where = link("accepts it here", installation.url);
  return `**The GitHub App lacks ${missing.join(", ")}**, and some things do not work without: an owner ${where}.`;
}

/** One line that names what is missing and where to grant it; null if nothing is. */
export function missingGrantsText(app: AppGrants): string | null {
  const own = missingGrants(app);
  if (own.length > 0)
    return `The GitHub App ${app.slug} lacks ${own.join(", ")}. Grant it in its settings: ${app.settingsUrl}`;
  const lacking = app.installations.flatMap((one) => {
    const missing = missingGrants(one);
    return missing.length > 0 ? [`${one.account} lacks ${missing.join(", ")} (${one.url})`] : [];
  });
  if (lacking.length === 0) return null;
  const more = lacking.length > NAMED_MAX ? `; and ${lacking.length - NAMED_MAX} more` : "";
  const named = lacking.slice(0, NAMED_MAX).join("; ");
  return `The GitHub App's new permissions were not accepted everywhere: ${named}${more}. An owner accepts them there.`;
}
