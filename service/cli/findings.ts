/** What `offshoot doctor` finds. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

/** One check. It throws what is wrong. */
export type Check = readonly [name: string, check: () => Promise<string>];

/** Runs checks one by one; a failed one does not hide the next. */
export async function findingsOf(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of checks) {
    const found = await check().then(
      (text) => ({ name, ok: true, text }),
      (error: unknown) => ({ name, ok: false, text: error instanceof Error ? error.message : String(error) }),
    );
    findings.push(found);
  }
  return findings;
}
