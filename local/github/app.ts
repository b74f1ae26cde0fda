import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

/** The permissions that this GitHub knows, as the App has them that is there from the start. */
export const GRANTED = {
  checks: "write",
  contents: "read",
  deployments: "write",
  issues: "write",
  metadata: "read",
  pull_requests: "write",
} as const;
export const APP_EVENTS: readonly string[] = ["create", "delete", "issue_comment", "pull_request", "push"];

export type PermissionName = keyof typeof GRANTED;
export type Permissions = Readonly<Partial<Record<PermissionName, "read" | "write">>>;

/** What an App asks for, and what an installation of it was granted. */
export interface Grants {
  readonly permissions: Permissions;
  readonly events: readonly string[];
}

/** The App of this GitHub. Its numbers and its slug are always the same: see state.ts. */
export interface App extends Grants {
  readonly name: string;
  /** PKCS#1, as GitHub gives it. */
  readonly privateKeyPem: string;
  readonly publicKey: KeyObject;
  /** Where webhooks go; without it every delivery fails. */
  readonly webhookUrl: string | undefined;
  readonly webhookSecret: string;
}

export interface AppInput extends Grants {
  readonly name: string;
  /** A key that the App had before; without it a new one is made. */
  readonly privateKeyPem?: string | undefined;
  readonly webhookUrl: string | undefined;
  readonly webhookSecret: string;
}

export type Apps = ReturnType<typeof createApps>;

/** The one App that this GitHub may have: made at its start, or by the manifest flow. */
export function createApps() {
  let app: App | null = null;
  let installation: Grants | null = null;
  return {
    current: (): App | null => app,
    /** What was granted where the App is installed; null if it is not. */
    installation: (): Grants | null => installation,
    /** Makes it; it is not installed yet. */
    make({ privateKeyPem: kept, ...input }: AppInput): App {
      const privateKey = kept ? createPrivateKey(kept) : makeKey();
      const privateKeyPem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
      app = { ...input, privateKeyPem, publicKey: createPublicKey(privateKey) };
      installation = null;
      return app;
    },
    /** Installs it, or accepts what it asks for by now. */
    install(): void {
      if (app) installation = { permissions: app.permissions, events: app.events };
    },
    /** What its owner changes in its settings; an installation keeps what it granted. */
    revise(change: Partial<Grants>): void {
      if (app) app = { ...app, ...change };
    },
  };
}

const makeKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

/** More than Offshoot needs. */
export const ALL_GRANTS: Grants = { permissions: GRANTED, events: APP_EVENTS };
