/** What the environment variables become; the parts list of compose.ts reads nothing else. */
import type { AccessPolicy } from "./domain/access.ts";

/** What reaching the store needs: all that `offshoot store migrate` and `offshoot why` read. */
export interface StoreConfig {
  readonly aws: AwsConfig;
  readonly store:
    | { readonly kind: "postgres"; readonly url: string }
    | {
        readonly kind: "dsql";
        readonly host: string;
        /** The database role that the service connects as: `admin`, or one that can change no schema. */
        readonly role: string;
        /** The IAM roles that may connect as it; whoever applies the schema maps them. */
        readonly iamRoles: readonly string[];
      };
  /** Where the epoch is kept outside the store (domain/epoch.ts); null: nowhere, so that no restore is noticed. */
  readonly epoch:
    | { readonly kind: "parameter"; readonly name: string; readonly endpoint: string | null }
    | { readonly kind: "file"; readonly path: string }
    | null;
}

export interface AwsConfig {
  readonly region: string;
  readonly account: string;
  /** The control plane, if not AWS' own. */
  readonly dsqlEndpoint: string | null;
  /** Where TCP connections to clusters go instead of their host names. */
  readonly connectTo: { readonly address: string; readonly port: number; readonly caFile: string } | null;
}

export interface Config extends StoreConfig {
  readonly github: {
    readonly appId: number;
    readonly privateKey: string;
    readonly webhookSecrets: readonly string[];
    readonly apiUrl: string;
    readonly webUrl: string;
    /** The host name of webUrl: part of every pull request's key. */
    readonly host: string;
  };
  readonly http: { readonly host: string; readonly port: number };
  /** SQS, which the functions of Lambda tell of work; one process needs none. */
  readonly queue: { readonly url: string | null; readonly endpoint: string | null };
  readonly api: {
    /** The address under which people and jobs reach the service; also the audience of OIDC tokens. */
    readonly publicUrl: string;
    /** The App's, for signing in; without it nobody can. */
    readonly githubClientId: string | null;
    readonly oidcIssuers: readonly string[];
    /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
    readonly trustedProxies: readonly string[];
  };
  /** How clusters are made. */
  readonly clusters: {
    readonly stacks: {
      readonly for: "none" | "previews" | "all";
      readonly prefix: string;
      /** The role that CloudFormation works as, and the boundary of the roles that it makes. */
      readonly roleArn: string | null;
      readonly boundaryArn: string | null;
      /** CloudFormation, if not AWS' own. */
      readonly endpoint: string | null;
    };
    readonly extraTags: Readonly<Record<string, string>>;
    readonly kmsKeyArn: string | null;
  };
  readonly access: AccessPolicy & {
    /** STS and SSM, if not AWS' own. */
    readonly stsEndpoint: string | null;
    readonly ssmEndpoint: string | null;
    /** What the names of SSM parameters begin with; null: none are kept. */
    readonly parameterPrefix: string | null;
  };
  readonly limits: {
    readonly maxClusters: number;
    readonly clusterQuota: number;
    readonly slotReserve: number;
    readonly environmentsPerAuthor: number;
    readonly environmentsPerRepository: number;
    readonly leaseMs: number;
    readonly idleMs: number;
    readonly graceMs: number;
    readonly tenantGraceMs: number;
  };
  readonly migrations: { readonly directory: string };
  readonly connect: {
    /** What comments show in the place of aws.connectTo. */
    readonly to: AwsConfig["connectTo"];
    readonly command: string | null;
    readonly environment: string | null;
  };
  readonly log: { readonly level: string };
}

/** What the service needs while it has no GitHub App. */
export interface SetupConfig {
  readonly github: Pick<Config["github"], "apiUrl" | "webUrl" | "host">;
  readonly http: Config["http"];
  readonly publicUrl: string;
  readonly log: Config["log"];
}

export type Environment = Readonly<Record<string, string | undefined>>;
/** Reads a file as text; throws if it cannot. */
export type ReadFile = (path: string) => string;
