import { codeSpan } from "./markdown.ts";
import type { Trouble } from "./report.ts";
import { outside } from "./text.ts";

const OPERATOR = "Whoever runs this Offshoot";

/** What is said of each reason code; AWS' own words, if there are any, come between the two. */
const TEXTS: Readonly<Record<string, { readonly what: string; readonly next: string }>> = {
  create_refused: {
    what: "**AWS refused to create the cluster.**",
    next: `${OPERATOR} has to look at its permissions and its account; it is tried again every hour.`,
  },
  create_slow: {
    what: "AWS takes much longer than usual.",
    next: "Nothing is lost: this goes on as soon as AWS is done.",
  },
  create_rolled_back: {
    what: "**AWS could not create it, and takes back what it had made.**",
    next: `It is tried again by itself, at least every hour. ${OPERATOR} may have to mend what AWS says.`,
  },
  protected: {
    what: "**It is protected from deletion at AWS.**",
    next: `${OPERATOR} has to lift the protection; it is tried again every hour.`,
  },
  remove_blocked: {
    what: "**AWS could not remove it.**",
    next: `${OPERATOR} has to remove what blocks it; it is tried again by itself, at least every hour.`,
  },
  remove_slow: {
    what: "AWS has needed more than an hour for it.",
    next: "It is still waited for.",
  },
  update_failed: {
    what: "The stack of this database could not be brought to the present template.",
    next: "The database itself is as it was; the update is tried again by itself.",
  },
  stack_stuck: {
    what: "The stack of this database needs a person.",
    next: `The database itself is as it was; ${OPERATOR.toLowerCase()} finds the stack in CloudFormation.`,
  },
};

/** The block that tells why AWS does not get on; none if it does, or if the code is of no interest to people here. */
export function troubleBlocks(trouble: Trouble | null): readonly string[] {
  if (!trouble) return [];
  const text = TEXTS[trouble.code];
  const says = trouble.text ? ` AWS says: ${codeSpan(trouble.text)}.` : "";
  if (text) return [`${text.what}${says} ${text.next}`];
  const reason = codeSpan(outside(trouble.code));
  return [`AWS does not get on with it (reason: ${reason});${says} it is tried again until it works.`];
}
