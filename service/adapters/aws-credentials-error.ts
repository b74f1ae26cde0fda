/**
 * What AWS calls credentials that it does not take any more, or not at all (common errors of the JSON and of the Query
 * protocol). The request had no effect, and with other credentials it may be taken.
 */
const CREDENTIALS = /ExpiredToken|UnrecognizedClient|InvalidClientTokenId/;

/** Of an error's code, or of the text that holds it. */
export function isCredentialsError(text: string): boolean {
  return CREDENTIALS.test(text);
}

export const CREDENTIALS_NEXT =
  "The service's AWS credentials have expired or were taken back: give it valid ones, and it goes on by itself.";
