/** What a local process starts: the line of JSON that says it is ready, and how to stop it. */
export interface Started {
  readonly ready: object;
  stop(): Promise<void>;
}

/**
 * Runs a local process: starts it, prints the ready line on standard output, and stops it on SIGTERM or SIGINT with exit
 * code 0. What cannot start is told on standard error, with exit code 1.
 */
export async function runLocal(start: (args: string[]) => Promise<Started>): Promise<void> {
  const fail = (error: unknown): never => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  };
  const { ready, stop } = await Promise.resolve(process.argv.slice(2)).then(start).catch(fail);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      stop().then(() => process.exit(0), fail);
    });
  }
  console.log(JSON.stringify(ready));
}
