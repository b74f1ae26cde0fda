import { type SqlStatement, splitStatements } from "./lexer.ts";
import { RULES } from "./rules.ts";
import { literal } from "./text.ts";

export type Kind = "ddl" | "dml" | "begin" | "end" | "other";

/** What the open transaction did so far, as far as DSQL's rules about it need to know. */
export interface Ledger {
  /** True between BEGIN and COMMIT, as Postgres said at its last "ready". */
  open: boolean;
  ddl: number;
  dml: number;
}

interface Refusal {
  code: string;
  message: string;
}

/** Texts where a statement starts with one of these words are taken apart; everything else costs this one search. */
const SUSPICIOUS =
  /(?:^|;|\n|\*\/)\s*(?:create|alter|drop|grant|revoke|aws|truncate|listen|notify|unlisten|lock|vacuum|savepoint|release|rollback\s+\w*\s*to|set\s+(?:session\s+|local\s+)?(?:statement_t|lock_t|idle_in|row_s|standard_c|default_t))/i;

/** Inside a transaction, a change of data forbids a change of the schema. */
const DATA_CHANGE = /^\s*(?:insert|update|delete)\b/i;

const DDL_WORDS = new Set(["create", "alter", "drop", "grant", "revoke", "aws"]);
const DML_WORDS = new Set(["insert", "update", "delete"]);
const END_WORDS = new Set(["commit", "end", "rollback", "abort"]);

const MULTIPLE_DDL = { code: "0A000", message: "multiple ddl statements not supported in a transaction" };
const DDL_AND_DML = { code: "0A000", message: "ddl and dml are not supported in the same transaction" };

export function newLedger(): Ledger {
  return { open: false, ddl: 0, dml: 0 };
}

/** In: the state that Postgres reports when it is ready, `I` outside of transactions. */
export function noteReady(ledger: Ledger, status: string): void {
  ledger.open = status !== "I";
  if (ledger.open) return;
  ledger.ddl = 0;
  ledger.dml = 0;
}

/**
 * Rewrites what plain Postgres would take differently from DSQL: CREATE INDEX ASYNC becomes a call that answers a job id,
 * AWS IAM GRANT one that notes the grant, and what DSQL refuses becomes a call that raises DSQL's error, so that Postgres itself keeps the state of the transaction. Out:
 * the new text; undefined when there is nothing to change, which is found out cheaply.
 */
export function rewriteSql(sql: string, ledger: Ledger, indexBuildMs: number): string | undefined {
  const changesData = ledger.open && DATA_CHANGE.test(sql);
  if (!SUSPICIOUS.test(sql) && !(changesData && ledger.ddl > 0)) {
    if (changesData) ledger.dml += 1;
    return undefined;
  }
  let rewritten = "";
  let copied = 0;
  const seen = ledger.open ? ledger : newLedger();
  for (const statement of splitStatements(sql)) {
    const replacement = replace(sql, statement, seen, indexBuildMs);
    if (replacement === undefined) continue;
    // The text before the first token is white space or comments, and stays in front.
    rewritten += sql.slice(copied, firstTokenOf(statement)) + replacement;
    copied = statement.end;
  }
  return copied === 0 ? undefined : rewritten + sql.slice(copied);
}

function replace(
  sql: string,
  statement: SqlStatement,
  ledger: Ledger,
  indexBuildMs: number,
): string | undefined {
  const text = normalize(statement);
  const refusal = refusalOf(text) ?? refusalInTransaction(kindOf(text), ledger);
  if (refusal) return `select sys._refuse(${literal(refusal.code)}, ${literal(refusal.message)})`;
  if (text.startsWith("aws ")) return replaceIam(statement);
  const keyword = statement.tokens[text.startsWith("create unique") ? 3 : 2];
  if (!/^create (?:unique )?index async\b/.test(text) || !keyword) return undefined;
  const plain = sql.slice(firstTokenOf(statement), keyword.start) + sql.slice(keyword.end, statement.end);
  return `select sys._create_index(${literal(plain)}, ${indexBuildMs}) as job_id`;
}

/** AWS IAM GRANT role TO 'arn', or REVOKE … FROM; anything else that starts so is a syntax error to Postgres, too. */
function replaceIam({ tokens }: SqlStatement): string | undefined {
  const [, iam, verb, role, preposition, arn, ...more] = tokens;
  const isGrant = verb?.text === "grant" && preposition?.text === "to";
  const isRevoke = verb?.text === "revoke" && preposition?.text === "from";
  if (iam?.text !== "iam" || !(isGrant || isRevoke) || !role || !arn || more.length > 0) return undefined;
  const name = role.kind === "quoted" ? unquoted(role.text) : role.kind === "word" ? role.text : undefined;
  if (name === undefined || arn.kind !== "quoted" || arn.text.startsWith('"')) return undefined;
  return `call sys._iam_${isGrant ? "grant" : "revoke"}(${literal(name)}, ${arn.text})`;
}

/** The name in a quoted identifier; nothing for a string. */
function unquoted(text: string): string | undefined {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : undefined;
}

/** The form that rules are written for. */
function normalize({ tokens }: SqlStatement): string {
  return tokens.map(({ kind, text }) => (kind === "quoted" ? '""' : text)).join(" ");
}

function refusalOf(text: string): Refusal | undefined {
  for (const { pattern, code, message } of RULES) {
    const found = pattern.exec(text);
    if (found) return { code, message: message.replace("$1", found[1] ?? "") };
  }
  return undefined;
}

function refusalInTransaction(kind: Kind, ledger: Ledger): Refusal | undefined {
  if (kind === "begin" || kind === "end") {
    ledger.ddl = 0;
    ledger.dml = 0;
  }
  if (kind === "ddl") ledger.ddl += 1;
  if (kind === "dml") ledger.dml += 1;
  if (ledger.ddl > 1) return kind === "ddl" ? MULTIPLE_DDL : undefined;
  const mixed = ledger.ddl > 0 && ledger.dml > 0 && (kind === "ddl" || kind === "dml");
  return mixed ? DDL_AND_DML : undefined;
}

function kindOf(text: string): Kind {
  const [first = "", second = ""] = text.split(" ", 2);
  if (DDL_WORDS.has(first)) return "ddl";
  if (DML_WORDS.has(first)) return "dml";
  if (first === "begin" || (first === "start" && second === "transaction")) return "begin";
  return END_WORDS.has(first) ? "end" : "other";
}

function firstTokenOf({ tokens, start }: SqlStatement): number {
  return tokens[0]?.start ?? start;
}
