import { type Level, pino } from "pino";
import type { Log } from "../handlers/ports.ts";

/**
 * What may never be in a log, whatever field it is in: GitHub tokens (the pattern that GitHub recommends), credentials of
 * ours, JSON Web Tokens, PEM blocks, the query of a presigned URL (a DSQL token is one), and authorization headers.
 */
const SECRETS =
  /(?:gh[psour]|github_pat)_[A-Za-z0-9._]{16,}|of[ks]_[0-9a-z]{22}_[\w-]{16,}|eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?=")|$)|X-Amz-[A-Za-z-]+=[^&\s"\\]+|(?:[Bb]earer|[Tt]oken) [A-Za-z0-9._~+/=-]{8,}|sha256=[0-9a-f]{16,}|(?<=:\/\/[^\s:/@]{1,64}:)[^\s@/]+(?=@)/g;
const REMOVED = "[removed]";
/** A field longer than this is cut: a log line is not an archive. */
const LINE_CHARACTERS = 16_384;

export interface LogOptions {
  readonly level: string;
  /** Texts that are secrets of this installation, such as the webhook secrets: removed wherever they appear. */
  readonly secrets?: readonly string[];
  /** Where lines go; standard output by default. */
  readonly write?: (line: string) => void;
}

/** JSON lines by pino. Every line passes through the redaction as text, so no field can escape it. */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line) => void process.stdout.write(line));
  const own = (options.secrets ?? []).filter((secret) => secret.length >= 8);
  const logger = pino(
    { level: options.level as Level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => write(redact(line, own)) },
  );
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

function redact(line: string, own: readonly string[]): string {
  let clean = line.replace(SECRETS, REMOVED);
  for (const secret of own) clean = clean.replaceAll(JSON.stringify(secret).slice(1, -1), REMOVED);
  if (clean.length <= LINE_CHARACTERS) return clean;
  return `${JSON.stringify({ cut: clean.length, text: clean.slice(0, LINE_CHARACTERS / 2) })}\n`;
}
