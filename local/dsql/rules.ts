/**
 * What DSQL refuses although Postgres would do it: the migrations that people most often try. Texts as recorded on the real
 * service (September and October 2026; reference: rows of the refusals' table). They drift, so this is data.
 *
 * A pattern is matched against the statement in lower case with one space between tokens, without comments, and with every
 * string and quoted name as `""`. `$1` in a message is the pattern's first group. The first rule that matches decides.
 */
export interface Rule {
  pattern: RegExp;
  code: string;
  message: string;
}

const UNSUPPORTED = "0A000";
const UNDEFINED_OBJECT = "42704";

/** A name, with its schema or without. */
const NAME = '(?:if (?:not )?exists )?(?:only )?[\\w$"]+(?: \\. [\\w$"]+)?';

/** The rest of one action of ALTER TABLE: up to a comma that is not inside parentheses. */
const ACTION = "(?:[^,(]|\\([^)]*\\))*?";

const CACHE_HINT = "please define CACHE greater than or equal to 65536 or equal to 1";

function rule(pattern: string, message: string, code = UNSUPPORTED): Rule {
  return { pattern: new RegExp(`^${pattern}`), message, code };
}

const CREATE_RULES: Rule[] = [
  rule("create extension\\b", "unsupported statement: CreateExtension"),
  rule("create database\\b", "unsupported statement: Createdb"),
  rule("create tablespace\\b", "unsupported statement: CreateTableSpace"),
  rule("create foreign table\\b", "unsupported statement: CreateForeignTable"),
  rule("create policy\\b", "unsupported statement: CreatePolicy"),
  rule("create materialized view\\b", "unsupported statement: CreateTableAs"),
  rule(`create table ${NAME}(?: \\([^)]*\\))? as\\b`, "unsupported statement: CreateTableAs"),
  rule("create (?:or replace )?(?:constraint )?trigger\\b", "CREATE TRIGGER not supported"),
  rule("create type\\b", "CREATE TYPE not supported"),
  rule("create (?:or replace )?procedure\\b", "PROCEDURE is not supported"),
  rule(
    "create (?:or replace )?function .* language (plpgsql|c|internal)\\b",
    "CREATE FUNCTION with language $1 not supported",
  ),
  rule(
    "create (?:global |local )?temp(?:orary)? table\\b",
    "TEMPORARY or TEMP table not supported for CREATE TABLE",
  ),
  rule("create unlogged table\\b", "UNLOGGED table not supported for CREATE TABLE"),
  rule(
    `create table ${NAME} \\((?:.*,)? [\\w"]+ ((?:big|small)?serial[248]?)\\b`,
    'type "$1" does not exist',
    UNDEFINED_OBJECT,
  ),
  rule(
    "create table .* as identity(?! \\([^)]*\\bcache\\b)",
    `identity column is not supported without an explicit cache size. ${CACHE_HINT}`,
  ),
  rule(
    "create sequence (?!.*\\bcache\\b)",
    `CREATE SEQUENCE is not supported without an explicit cache size. ${CACHE_HINT}`,
  ),
  rule("create (?:unique )?index concurrently\\b", "CONCURRENTLY not supported for CREATE INDEX"),
  rule("create (?:unique )?index (?!async\\b)", "unsupported mode. please use CREATE INDEX ASYNC."),
  rule("create (?:unique )?index async [^(]*\\busing\\b", "USING not supported for CREATE INDEX"),
  rule(
    "create (?:unique )?index async [^(]*\\([^)]* (?:asc|desc|nulls)\\b",
    "specifying sort order not supported for index keys",
  ),
];

const COLUMN = `alter table ${NAME} (?:.*, )?alter (?:column )?[\\w"]+`;

/** Adding a column, as opposed to adding a constraint. */
const ADD_COLUMN = `alter table ${NAME} (?:.*, )?add (?!constraint|primary|unique|check|foreign|exclude|generated)(?:column )?`;

const ALTER_RULES: Rule[] = [
  rule("alter system\\b", "unsupported statement: AlterSystem"),
  rule("alter type\\b", "ALTER TYPE not supported"),
  rule(`${COLUMN} (?:set data )?type\\b`, "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement"),
  rule(`${COLUMN} set not null\\b`, "unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement"),
  rule(`${COLUMN} set statistics\\b`, "unsupported ALTER TABLE ALTER COLUMN ... SET STATISTICS statement"),
  rule(
    `${ADD_COLUMN}(?:if not exists )?[\\w"]+ ((?:big|small)?serial[248]?)\\b`,
    'type "$1" does not exist',
    UNDEFINED_OBJECT,
  ),
  rule(
    `${ADD_COLUMN}(?:if not exists )?[\\w"]+ ${ACTION} (?:default|not null|check|unique|primary key|references|generated)\\b`,
    "ALTER TABLE ADD COLUMN with constraint not supported",
  ),
  rule(
    `alter table ${NAME} (?:.*, )?add (?:constraint [\\w"]+ )?(?:primary key|unique(?: nulls (?:not )?distinct)?|exclude) (?!using index)`,
    "unsupported ALTER TABLE ADD CONSTRAINT statement",
  ),
  rule(
    `alter table ${NAME} (?:.*, )?add (?:constraint [\\w"]+ )?(?:check|foreign key) (?!.*\\bnot valid\\b)`,
    "unsupported ALTER TABLE ADD CONSTRAINT statement",
  ),
  rule(
    `alter table ${NAME} enable row level security\\b`,
    "unsupported ALTER TABLE ENABLE ROW SECURITY statement",
  ),
];

const OTHER_RULES: Rule[] = [
  rule("truncate\\b", "unsupported statement: Truncate"),
  rule("listen\\b", "unsupported statement: Listen"),
  rule("notify\\b", "unsupported statement: Notify"),
  rule("unlisten\\b", "unsupported statement: Unlisten"),
  rule("lock\\b", "unsupported statement: Lock"),
  rule("vacuum\\b", "unsupported VACUUM statement"),
  rule("savepoint\\b", "unsupported transaction statement: SAVEPOINT"),
  rule("release\\b", "unsupported transaction statement: RELEASE"),
  rule("rollback (?:work |transaction )?to\\b", "unsupported transaction statement: ROLLBACK TO"),
  rule(
    "set (?:session |local )?((?:statement|lock|idle_in_transaction_session)_timeout|row_security|standard_conforming_strings|default_transaction_(?:isolation|read_only))\\b",
    'setting configuration parameter "$1" not supported',
  ),
];

/** Nobody changes who may do what with the schemas that every cluster starts with. */
const GRANT_RULES: Rule[] = [
  rule("(?:grant|revoke) .* on database\\b", "unsupported object type in GRANT"),
  rule(
    "(?:grant|revoke) .* on schema (?:.*, )?(?:public|sys|information_schema|pg_\\w+)\\b.* (?:to|from) ",
    "feature not supported on system entity",
  ),
];

export const RULES: readonly Rule[] = [...CREATE_RULES, ...ALTER_RULES, ...GRANT_RULES, ...OTHER_RULES];
