import { Webhooks } from "@octokit/webhooks";

/** Whether a body was signed with one of the secrets. Never throws. */
export type Verify = (body: string, signature: string) => Promise<boolean>;

const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/**
 * HMAC-SHA256 over the raw body, compared in constant time by the library. One instance per secret, because the
 * library's own rotation parses every body.
 */
export function createVerifier(secrets: readonly string[]): Verify {
  const webhooks = secrets.map((secret) => new Webhooks({ secret }));
  return async (body, signature) => {
    if (body === "" || !SIGNATURE.test(signature)) return false;
    for (const one of webhooks) if (await one.verify(body, signature)) return true;
    return false;
  };
}
