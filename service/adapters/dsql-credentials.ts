import { defaultProvider } from "@aws-sdk/credential-provider-node";

/**
 * AWS credentials, asked for before each use; the provider caches them until shortly before they expire. `forceRefresh`:
 * AWS has refused those that are cached.
 */
export type Credentials = (options?: {
  readonly forceRefresh?: boolean;
}) => ReturnType<ReturnType<typeof defaultProvider>>;

/**
 * The default chain of the SDK (environment, profile, SSO, container, instance), read once and refreshed when needed.
 * Make one and pass it to everything that signs: every connection signs a token, and a chain of its own for each
 * would ask the instance's metadata service each time.
 */
export function createCredentials(): Credentials {
  return defaultProvider();
}
