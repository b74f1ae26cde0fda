/** `offshoot doctor`: what is wrong, and what to do about it. */
import { createClient } from "../client/client.ts";
import { type Command, URL_OPTION } from "./command.ts";
import { EXIT, Exit } from "./exit.ts";
import { type Check, type Finding, findingsOf } from "./findings.ts";
import { selfText } from "./login.ts";
import { clientOf, serviceUrl } from "./service.ts";
import { type Io, say, sayJson, shown, styled } from "./terminal.ts";
import { USER_AGENT } from "./version.ts";

/** AWS refuses signatures, and we tokens, of a clock that is off by more than some minutes. */
const SKEW_MAX_MS = 60_000;
const ANSWER_TIMEOUT_MS = 10_000;

const doctor: Command = {
  name: "doctor",
  usage: "",
  summary: "check the service, your sign-in, and an operator's configuration",
  args: [0, 0],
  options: URL_OPTION,
  details:
    "Where the service's own variables are set (OFFSHOOT_STORE_URL and others), its store, AWS and GitHub are checked, too.",
  async run(io, input) {
    const isOperator = io.env["OFFSHOOT_STORE_URL"] !== undefined;
    const told = input.text("url");
    const checks: Check[] = isOperator && !told && !io.env["OFFSHOOT_URL"] ? [] : clientChecks(io, told);
    const operator = isOperator ? await import("./operator/commands.ts") : null;
    const findings = await findingsOf(checks);
    if (operator) findings.push(...(await operator.operatorFindings(io)));
    if (input.json) sayJson(io, findings);
    else for (const finding of findings) say(io, findingText(io, finding));
    return findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
  },
};

function clientChecks(io: Io, told: string | undefined): Check[] {
  const request = { url: told };
  return [
    ["service", async () => `${await serviceUrl(io, request)} is meant`],
    ["ready", async () => readyText(await serviceUrl(io, request))],
    ["clock", async () => clockText(await serviceUrl(io, request))],
    [
      "API",
      async () => {
        const { info } = (await createClient({
          url: await serviceUrl(io, request),
          userAgent: USER_AGENT,
        }).openapi()) as { info?: { version?: string } };
        return `version ${info?.version ?? "unknown"}`;
      },
    ],
    ["sign-in", async () => `you are ${selfText(await (await clientOf(io, request)).self())}`],
  ];
}

async function ask(url: string, path: string): Promise<Response> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  return fetch(`${url}${path}`, { signal, redirect: "error", headers: { "user-agent": USER_AGENT } }).catch(
    (error: unknown) => {
      const why = Object(Object(error).cause).code ?? Object(error).message;
      throw new Exit(EXIT.failed, `${url} does not answer (${why}). Check the address and the network.`);
    },
  );
}

async function readyText(url: string): Promise<string> {
  const { ok, status } = await ask(url, "/readyz");
  if (!ok)
    throw new Exit(EXIT.failed, `The service answers ${status} at /readyz: look at its log and its store.`);
  return "the service answers, and so does its store";
}

async function clockText(url: string): Promise<string> {
  const response = await ask(url, "/healthz");
  const skew = Date.now() - Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(skew)) return "the service tells no time";
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (Math.abs(skew) > SKEW_MAX_MS)
    throw new Exit(
      EXIT.failed,
      `This clock is ${seconds} s off the service's: tokens would be refused. Set it by NTP.`,
    );
  return `within ${seconds} s of the service's`;
}

function findingText(io: Io, { name, ok, text }: Finding): string {
  const mark = ok ? styled(io, "green", "ok    ") : styled(io, "red", "FAILED");
  return `${mark}  ${name}: ${shown(text)}`;
}

export const commands: readonly Command[] = [doctor];
