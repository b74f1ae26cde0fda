import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { WriteStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** How a function is run. */
export interface FunctionSetup {
  /** The bundle: see functionFile. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly log: WriteStream;
}

/** One execution environment of Lambda: a process that is frozen unless it has an invocation, and serves one at a time. */
export interface ExecutionEnvironment {
  readonly pid: number;
  /** Throws what the handler threw, or that it timed out, which ends the environment. */
  invoke(event: unknown): Promise<unknown>;
  /** True while neither the handler nor an extension is at work. */
  isIdle(): boolean;
  readonly isGone: boolean;
  /** Resolves once it is frozen, or gone. */
  frozen(): Promise<void>;
  kill(): Promise<void>;
}

interface Invocation {
  readonly id: string;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Starts one, with Lambda's Runtime API and Extensions API as the process sees them. */
export async function startEnvironment(setup: FunctionSetup): Promise<ExecutionEnvironment> {
  const state = {
    runtime: null as ServerResponse | null,
    extension: null as ServerResponse | null,
    isExtended: false,
    invocation: null as Invocation | null,
    isGone: false,
    isFrozen: false,
  };
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) await change.promise;
  };
  const server = createServer((request, response) => {
    void answer(request, response).finally(changed);
  });
  // A connection that is idle while its process is frozen would be reset without its knowing.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const child = startProcess(setup, (server.address() as AddressInfo).port);
  child.once("exit", () => {
    state.isGone = true;
    state.invocation?.reject(new Error("The function's process ended."));
    state.invocation = null;
    server.close();
    server.closeAllConnections();
    changed();
  });

  const isIdle = () =>
    !state.isGone && state.invocation === null && state.runtime !== null && isExtensionIdle();
  const isExtensionIdle = () => !state.isExtended || state.extension !== null;
  const freezeIfIdle = () => {
    if (!isIdle() || state.isFrozen) return;
    state.isFrozen = true;
    child.kill("SIGSTOP");
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const [, , kind, what, id, how] = String(request.url).split("/");
    if (kind === "extension" && what === "register") {
      state.isExtended = true;
      response.setHeader("lambda-extension-identifier", "extension-1").end("{}");
      return;
    }
    if (kind === "extension") state.extension = response;
    else if (what === "invocation" && id === "next") state.runtime = response;
    else {
      const { invocation } = state;
      state.invocation = null;
      response.writeHead(202).end();
      if (invocation?.id !== id) throw new Error(`An answer to ${id}, which is no invocation.`);
      const parsed: unknown = JSON.parse(body);
      if (how === "response") invocation?.resolve(parsed);
      else invocation?.reject(new Error((parsed as { errorMessage: string }).errorMessage));
    }
    freezeIfIdle();
  }

  async function invoke(event: unknown): Promise<unknown> {
    await until(() => state.isGone || isIdle());
    if (state.isGone) throw new Error("The function's process ended before it was asked.");
    const id = randomUUID();
    const deadline = Date.now() + setup.timeoutMs;
    const timer = setTimeout(() => child.kill("SIGKILL"), setup.timeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        state.invocation = { id, resolve, reject };
        state.isFrozen = false;
        child.kill("SIGCONT");
        const { extension, runtime } = state;
        state.extension = null;
        state.runtime = null;
        extension?.end(JSON.stringify({ eventType: "INVOKE", requestId: id, deadlineMs: deadline }));
        runtime?.setHeader("lambda-runtime-aws-request-id", id);
        runtime?.setHeader("lambda-runtime-deadline-ms", String(deadline));
        runtime?.end(JSON.stringify(event));
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    pid: child.pid ?? 0,
    invoke,
    isIdle,
    get isGone() {
      return state.isGone;
    },
    frozen: () => until(() => state.isFrozen || state.isGone),
    async kill() {
      if (state.isGone) return;
      child.kill("SIGKILL");
      await until(() => state.isGone);
    },
  };
}

function startProcess({ file, env, log }: FunctionSetup, port: number): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "runtime.ts"), file], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Not by `pipe`, which would leave listeners on the one log for each environment that is at work.
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => log.writable && log.write(chunk));
  return child;
}
