import { createClient, type Session } from "../client/client.ts";
import { EXIT, Exit } from "./exit.ts";
import { type Io, note, progress, shown } from "./terminal.ts";
import { USER_AGENT } from "./version.ts";

/** Signs a person in with GitHub's device flow: shows a code, and waits until it was typed in. */
export async function signIn(io: Io, url: string): Promise<Session> {
  const { login } = createClient({ url, userAgent: USER_AGENT });
  const begun = await login.begin();
  note(io, `To sign in, open ${shown(begun.verificationUri)} and type the code ${shown(begun.userCode)}`);
  const waiting = progress(io);
  waiting.show("Waiting for you to confirm");
  try {
    let seconds = begun.intervalSeconds;
    while (Date.now() < Date.parse(begun.expiresAt)) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const answer = await login.poll(begun.deviceCode);
      if ("credential" in answer) return answer;
      seconds = answer.intervalSeconds;
    }
  } finally {
    waiting.end();
  }
  throw new Exit(EXIT.timeout, "The code was not confirmed in time. Run the command again for a new one.");
}
