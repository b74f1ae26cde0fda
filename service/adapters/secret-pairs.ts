import { Refused } from "../domain/errors.ts";
import type { Pairs } from "../domain/setup.ts";

/** The most that a secret of Secrets Manager holds, in bytes (its quotas page). */
const TEXT_CHARACTERS = 65_536;

/** In: the JSON text of a book of secrets, and what it is. Throws Refused `secrets_refused`, which repeats nothing of it. */
export function pairsOfText(text: string, what: string): Pairs {
  const pairs = text.length <= TEXT_CHARACTERS ? parsed(text) : null;
  if (typeof pairs === "object" && pairs !== null && !Array.isArray(pairs)) {
    const entries = Object.entries(pairs);
    if (entries.every((pair): pair is [string, string] => typeof pair[1] === "string"))
      return Object.fromEntries(entries);
  }
  const next = "Put {} there to begin with none.";
  throw new Refused("secrets_refused", `${what} is no JSON object of texts. ${next}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
