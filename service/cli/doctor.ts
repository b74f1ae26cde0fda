/** `offshoot doctor`: what is wrong, and what to do about it. */
import { createClient } from "../client/client.ts";
import { type Command, type Input, URL_OPTION } from "./command.ts";
import { EXIT, Exit } from "./exit.ts";
import { type Check, clockText, type Finding, findingsOf } from "./findings.ts";
import { selfText } from "./login.ts";
import { clientOf, serviceUrl } from "./service.ts";
import { type Io, say, sayJson, shown, styled } from "./terminal.ts";
import { USER_AGENT } from "./version.ts";

const ANSWER_TIMEOUT_MS = 10_000;
const ASK = "Check the address, or ask whoever operates the service to run offshoot doctor where it runs.";

const doctor: Command = {
  name: "doctor",
  usage: "",
  summary: "check the service, your sign-in, and an operator's configuration",
  args: [0, 0],
  options: {
    ...URL_OPTION,
    before: {
      type: "boolean",
      help: "before anything is deployed: look at the AWS account, with nothing but a profile (operators)",
    },
  },
  details:
    "Where the service's own variables are set (OFFSHOOT_STORE_URL and others), its store, queue, AWS and GitHub are checked, too. Exit code 1 if something is missing; with it stands the command that mends it, or the policy to ask for. Nothing is changed.",
  async run(io, input) {
    if (input.is("before")) {
      const { beforeFindings } = await import("./operator/commands.ts");
      return tell(io, input, await beforeFindings());
    }
    const isOperator = io.env["OFFSHOOT_STORE_URL"] !== undefined;
    const told = input.text("url");
    const checks: Check[] = isOperator && !told && !io.env["OFFSHOOT_URL"] ? [] : clientChecks(io, told);
    const operator = isOperator ? await import("./operator/commands.ts") : null;
    const findings = await findingsOf(checks);
    if (operator) findings.push(...(await operator.operatorFindings(io)));
    return tell(io, input, findings);
  },
};

function tell(io: Io, input: Input, findings: readonly Finding[]): number {
  if (input.json) sayJson(io, findings);
  else for (const finding of findings) say(io, findingText(io, finding));
  return findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
}

function clientChecks(io: Io, told: string | undefined): Check[] {
  const request = { url: told };
  return [
    ["service", async () => `${await serviceUrl(io, request)} is meant`, "Set OFFSHOOT_URL, or say --url."],
    ["ready", async () => readyText(await serviceUrl(io, request)), ASK],
    ["clock", async () => clockText(await timeOf(await serviceUrl(io, request)), "the service"), ASK],
    [
      "API",
      async () => {
        const { info } = (await createClient({
          url: await serviceUrl(io, request),
          userAgent: USER_AGENT,
        }).openapi()) as { info?: { version?: string } };
        return `version ${info?.version ?? "unknown"}`;
      },
      ASK,
    ],
    [
      "sign-in",
      async () => `you are ${selfText(await (await clientOf(io, request)).self())}`,
      "Sign in with offshoot login, or set OFFSHOOT_KEY.",
    ],
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
  const response = await ask(url, "/readyz");
  const { ok, status } = response;
  const { detail, warnings } = Object(await response.json().catch(() => null));
  if (!ok) {
    const why = typeof detail === "string" ? detail : "look at its log and its store.";
    throw new Exit(EXIT.failed, `The service answers ${status} at /readyz: ${why}`);
  }
  if (Array.isArray(warnings) && warnings.length > 0) throw new Exit(EXIT.failed, warnings.join(" "));
  return "the service answers, and so does its store";
}

/** The service's time; an invalid date if it tells none. */
async function timeOf(url: string): Promise<Date> {
  const response = await ask(url, "/healthz");
  return new Date(response.headers.get("date") ?? "");
}

function findingText(io: Io, { name, ok, text, request, next }: Finding): string {
  const mark = ok ? styled(io, "green", "ok    ") : styled(io, "red", "FAILED");
  const line = `${mark}  ${name}: ${shown(text)}`;
  const more = request ?? next;
  return more === undefined ? line : `${line}\n        ${shown(more)}`;
}

export const commands: readonly Command[] = [doctor];
