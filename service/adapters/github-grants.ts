import type { Granted, InstallationGrants } from "../domain/app-permissions.ts";

/** What is read of GitHub's description of an installation. */
interface Installation {
  readonly account: unknown;
  readonly html_url: string;
  readonly permissions: object;
  readonly events: readonly string[];
}

export function grantsOf({ account, html_url, permissions, events }: Installation): InstallationGrants {
  const login = Object(account).login ?? Object(account).slug ?? "unknown";
  return { account: String(login), url: html_url, ...granted({ permissions, events }) };
}

/** Octokit's types list permissions by name; those of other Apps are of no interest. */
export function granted({ permissions, events }: Pick<Installation, "permissions" | "events">): Granted {
  return { permissions: { ...permissions } as Granted["permissions"], events };
}
