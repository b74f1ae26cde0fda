/** What `offshoot doctor` finds. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  /** To copy: the command that mends it, or the policy statement to ask for. */
  readonly request?: string;
  /** What to do about a failed one that has no `request`. */
  readonly next?: string;
}

/** What a check that went well says. */
type Told = string | { readonly text: string; readonly request: string };

/** One check. It throws what is wrong; `next` is what to do then, unless it throws a Gap. */
export type Check = readonly [name: string, check: () => Promise<Told>, next: string];

/** Something is missing, and this is how to get it. */
export class Gap extends Error {
  readonly request: string;
  constructor(message: string, request: string) {
    super(message);
    this.name = "Gap";
    this.request = request;
  }
}

/** AWS refuses signatures, and we tokens, of a clock that is off by more than some minutes. */
const SKEW_MAX_MS = 60_000;

/** Runs checks one by one; a failed one does not hide the next. */
export async function findingsOf(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) findings.push(await found(check));
  return findings;
}

async function found([name, check, next]: Check): Promise<Finding> {
  try {
    const told = await check();
    return { name, ok: true, ...(typeof told === "string" ? { text: told } : told) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // By name, because each part of the bundle has a class of its own.
    const { name: kind, request } = Object(error);
    return { name, ok: false, text, ...(kind === "Gap" ? { request: String(request) } : { next }) };
  }
}

/** Compares this clock with another one's time, `whose` as it stands in a sentence. Throws if they are too far apart. */
export function clockText(date: Date | null, whose: string): string {
  if (date === null || Number.isNaN(date.getTime())) return `${whose} tells no time`;
  const skewMs = Math.abs(Date.now() - date.getTime());
  const seconds = Math.round(skewMs / 1000);
  if (skewMs > SKEW_MAX_MS)
    throw new Gap(
      `This clock is ${seconds} s off ${whose}'s: signatures and tokens would be refused.`,
      "sudo timedatectl set-ntp true",
    );
  return `within ${seconds} s of ${whose}'s`;
}
