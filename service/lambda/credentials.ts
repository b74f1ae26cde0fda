/**
 * AWS credentials of a function: Lambda puts them into its environment, so nothing else has to be looked for. The bundles
 * have this in the place of the SDK's chain of providers, which is larger than the whole webhook path.
 */
const provider = () => async () => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error("The environment holds no AWS credentials; a function gets them from its role.");
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  };
};

/** Under the names of @aws-sdk/credential-provider-node and @aws-sdk/credential-providers. */
export const defaultProvider = provider;
export const fromNodeProviderChain = provider;
