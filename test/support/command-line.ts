import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { main } from "../../service/cli/main.ts";
import { FAKE_KEY } from "./fake-api.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line in this process, with a home directory of its own. */
export async function openCommandLine(env: Readonly<Record<string, string>>) {
  const home = await mkdtemp(join(tmpdir(), "offshoot-cli-"));
  return {
    home,
    async run(
      args: readonly string[],
      more: { env?: Record<string, string>; input?: string; terminal?: boolean } = {},
    ): Promise<Ran> {
      const stdin = Object.assign(Readable.from([more.input ?? ""]), { isTTY: false });
      const [out, err] = [new PassThrough(), new PassThrough()];
      const tty = more.terminal ? { isTTY: true, columns: 80 } : {};
      const code = await main(args, {
        ...{ stdin, stdout: Object.assign(out, tty), stderr: Object.assign(err, tty) },
        env: { XDG_CONFIG_HOME: home, HOME: home, OFFSHOOT_KEY: FAKE_KEY, ...env, ...more.env },
      });
      const text = (stream: PassThrough) => String(stream.read() ?? "");
      return { code, out: text(out), err: text(err) };
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}
