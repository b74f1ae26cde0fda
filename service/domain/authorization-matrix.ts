/** The whole of `authorize`, as a table for people: every operation, over every kind of subject, by every kind of caller. */
import {
  authorize,
  type Decision,
  OPERATIONS,
  type Operation,
  type Subject,
  subjectsOf,
} from "./authorize.ts";
import { type Caller, type Labels, SCOPES } from "./caller.ts";

const END = new Date(Date.UTC(2100, 0, 1));
const PULL = { host: "github.com", repositoryId: 1, number: 7 } as const;
const LABELS: Labels = { team: "blue" };

/** The callers of the table's columns. A person's permission stands in the subject, because GitHub is asked for it. */
type Column = { readonly name: string; readonly permission?: "write" | "read"; readonly caller: Caller };

function keyOf(scopes: readonly (typeof SCOPES)[number][], selector: Labels | null = null): Caller {
  return { kind: "key", id: "key_1", name: "key", scopes, selector, expiresAt: null };
}

function jobOf(number: number, gitBranch: string, kind: "pull" | "branch"): Caller {
  const { host, repositoryId } = PULL;
  const place =
    kind === "pull"
      ? ({ kind, host, repositoryId, number } as const)
      : ({ kind, host, repositoryId, gitBranch } as const);
  return { kind: "job", id: "ses_1", name: "job", place, expiresAt: END };
}

const PERSON: Caller = { kind: "person", id: "ses_2", host: "github.com", login: "ada", expiresAt: END };

const COLUMNS: readonly Column[] = [
  { name: "nobody", caller: { kind: "anonymous", address: "192.0.2.1" } },
  ...SCOPES.map((scope) => ({ name: `key: ${scope}`, caller: keyOf([scope]) })),
  { name: "key: admin, its labels", caller: keyOf(["admin"], LABELS) },
  { name: "key: admin, other labels", caller: keyOf(["admin"], { team: "red" }) },
  { name: "job of pull request 7", caller: jobOf(7, "", "pull") },
  { name: "job of pull request 8", caller: jobOf(8, "", "pull") },
  { name: "job of branch main", caller: jobOf(0, "main", "branch") },
  { name: "person: write or admin", permission: "write", caller: PERSON },
  { name: "person: read", permission: "read", caller: PERSON },
  { name: "person: none", caller: PERSON },
];

/** The subjects of the table's rows, each labelled `team=blue`. */
function subjectOf(kind: Subject["kind"], permission: "write" | "read" | "none"): Subject {
  const { host, repositoryId, number } = PULL;
  const common = { host, repositoryId, labels: LABELS, permission };
  switch (kind) {
    case "system":
    case "nothing":
      return { kind };
    case "tenant":
      return { kind, labels: LABELS };
    case "pull":
      return { kind, ...common, number, gitBranch: null };
    case "branch":
      return { kind, ...common, number: null, gitBranch: "main" };
  }
}

export interface MatrixRow {
  readonly operation: Operation;
  readonly subject: Subject["kind"];
  readonly cells: readonly { readonly caller: string; readonly decision: Decision }[];
}

/** Every operation over everything that it can be asked of, and over what does not exist. */
export function authorizationMatrix(): readonly MatrixRow[] {
  return OPERATIONS.flatMap((operation) => {
    const kinds = subjectsOf(operation);
    const asked = kinds.includes("system") ? kinds : [...kinds, "nothing" as const];
    return asked.map((subject) => ({
      operation,
      subject,
      cells: COLUMNS.map(({ name, permission, caller }) => ({
        caller: name,
        decision: authorize(caller, operation, subjectOf(subject, permission ?? "none")),
      })),
    }));
  });
}

const INTRODUCTION = `# Who may do what

Generated from \`service/domain/authorize.ts\`, the one function that decides; do not edit. The pull request is 7 of a
repository, the git branch is its \`main\`, and everything carries the label \`team=blue\`. \`nothing\` is what does not
exist: it is answered like what is hidden. ✓ allowed; otherwise the status and the reason.
`;

/** The table as a Markdown document: operations down, callers across. */
export function renderMatrix(rows: readonly MatrixRow[]): string {
  const head = ["operation", "of", ...COLUMNS.map(({ name }) => name)];
  const body = rows.map(({ operation, subject, cells }) => [
    `\`${operation}\``,
    subject,
    ...cells.map(({ decision }) => (decision.allow ? "✓" : `${decision.status} ${decision.reason}`)),
  ]);
  const lines = [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`);
  return `${INTRODUCTION}\n${lines.join("\n")}\n`;
}
