import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { cleanLine, cleanText, SPAN_CHARACTERS } from "../../service/domain/markdown.ts";
import type { MigrationProblem } from "../../service/domain/migration.ts";
import { renderReport, reportMarker } from "../../service/domain/render.ts";
import { renderCheck } from "../../service/domain/render-check.ts";
import { psqlLine } from "../../service/domain/render-connect.ts";
import type { Connection } from "../../service/domain/report.ts";
import { outside } from "../../service/domain/text.ts";
import { hostileText } from "./hostile-text.ts";
import { shown } from "./markdown-tree.ts";
import { localConnection, notices, type OutsideTexts, statesOf, viewOf } from "./report-views.ts";

const states = Object.keys(statesOf());
const hostileTexts = fc.record({
  name: hostileText,
  file: hostileText,
  sql: hostileText,
  message: hostileText,
});

function bodyOf(state: string, texts?: OutsideTexts): string {
  const author = outside(texts?.name ?? "alice");
  const notice = { ...notices["needs-write"]!, author };
  return renderReport([viewOf(statesOf(texts)[state]!, notice, texts?.name)]).body;
}

function line(text: string): string {
  return cleanLine(outside(text), SPAN_CHARACTERS);
}

test("outside text in any state changes nothing but the inside of code", () => {
  const harmless = new Map(states.map((state) => [state, shown(bodyOf(state)).skeleton]));
  fc.assert(
    fc.property(fc.constantFrom(...states), hostileTexts, (state, texts) => {
      expect(shown(bodyOf(state, texts)).skeleton).toBe(harmless.get(state));
    }),
    { numRuns: 400 },
  );
});

test("nor in the summary of a check run, whose title is one plain line", () => {
  const checkOf = (state: string, texts?: OutsideTexts) =>
    renderCheck([viewOf(statesOf(texts)[state]!, null, texts?.name)], null, new Date(0)).check;
  const harmless = new Map(states.map((state) => [state, shown(checkOf(state).summary).skeleton]));
  fc.assert(
    fc.property(fc.constantFrom(...states), hostileTexts, (state, texts) => {
      const { title, summary } = checkOf(state, texts);
      expect(shown(summary).skeleton).toBe(harmless.get(state));
      expect(title).toBe(line(title));
      expect(title.length).toBeLessThan(140);
    }),
    { numRuns: 200 },
  );
});

test("a comment still shows the names, the SQL and the message that it was given", () => {
  fc.assert(
    fc.property(hostileTexts, (texts) => {
      const { codes } = shown(bodyOf("failed", texts));
      const [name, place] = codes;
      const blocks = codes.map((code) => code.trim());
      expect(name).toBe(line(texts.name));
      expect(place).toBe(line(`${texts.file}:14`));
      expect(blocks).toContain(cleanText(outside(texts.sql)).trim());
      expect(blocks).toContain(cleanText(outside(`0A000: ${texts.message}`)).trim());
    }),
    { numRuns: 200 },
  );
});

test("a file name in the table of files is shown with its pipes as broken bars", () => {
  fc.assert(
    fc.property(hostileTexts, (texts) => {
      const { codes } = shown(bodyOf("ready-aws", texts));
      expect(codes).toContain(line(texts.file).replaceAll("|", "¦"));
    }),
    { numRuns: 100 },
  );
});

test("the marker is the first line whatever the names are", () => {
  fc.assert(
    fc.property(fc.constantFrom(...states), hostileTexts, (state, texts) => {
      const view = viewOf(statesOf(texts)[state]!, null, texts.name);
      const { body, digest } = renderReport([view]);
      expect(body.split("\n")[0]).toBe(`${reportMarker([view])}d=${digest} -->`);
    }),
    { numRuns: 100 },
  );
});

test("text that holds nothing visible is replaced by words of ours", () => {
  const body = renderReport([viewOf(statesOf()["queued"]!, null, "\0\u202e \n")]).body;
  expect(body).toContain("### 🟡 Database queued · (no text)");
});

test("a problem has no place for the DETAIL of a Postgres error, which quotes row values", () => {
  expectTypeOf<keyof MigrationProblem>().toEqualTypeOf<
    "file" | "line" | "index" | "count" | "sql" | "code" | "message"
  >();
});

test("the psql line is one command that hands psql exactly what it needs, whatever the CA file is called", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40 }), (caFile) => {
      const connectTo = { address: "127.0.0.1", port: 54320, caFile };
      const command = psqlLine({ ...localConnection, connectTo });
      expect(command).not.toContain("\n");
      expect(sh(["-n"], command)).toEqual({ status: 0, stdout: "" });
      expect(sh([], `${FAKES}\n${command}`).stdout).toBe(
        [
          "token of local for kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws",
          "127.0.0.1:54320",
          caFile,
          "-Xw",
          "host=kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws user=admin dbname=postgres sslmode=verify-full",
          "",
        ].join("\n"),
      );
    }),
    { numRuns: 25 },
  );
});

test("the script for Node parses, on AWS and locally", () => {
  for (const state of ["ready-aws", "ready-local"]) {
    const script = /```js\n(.*?)\n```/s.exec(bodyOf(state))?.[1] ?? "";
    expect(script).toContain("AuroraDSQLPool");
    const checked = spawnSync(process.execPath, ["--input-type=module", "--check"], { input: script });
    expect(checked.stderr.toString()).toBe("");
  }
});

test("a host of AWS cannot end the quotes that it stands in", () => {
  const host = `x"; touch gone; "$(id)\``;
  const connection: Connection = { ...localConnection, host };
  expect(sh([], `${FAKES}\n${psqlLine(connection)}`).stdout).toContain(`host=${host} user=admin`);
});

const FAKES = [
  `aws() { echo "token of $AWS_ACCESS_KEY_ID for $6"; }`,
  `psql() { printf '%s\\n' "$PGPASSWORD" "$PGHOSTADDR:$PGPORT" "$PGSSLROOTCERT" "$@"; }`,
].join("\n");

function sh(options: readonly string[], script: string): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync("sh", [...options, "-s"], { input: script, encoding: "utf8" });
  return { status, stdout };
}
