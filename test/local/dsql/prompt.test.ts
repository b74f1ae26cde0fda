import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPrompt } from "../../../local/dsql/prompt.ts";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { createCluster, LOCAL, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let host: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path });
  ({ endpoint: host } = await createCluster(local.ready));
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

async function type(input: string) {
  const output = new PassThrough();
  const { region, frontAddress, frontPort, caFile } = local.ready;
  const failures = await runPrompt({
    ...{ host, region, user: "admin", database: "postgres", address: frontAddress, port: frontPort, caFile },
    ...{ credentials: LOCAL, input: Readable.from([input]), output },
  });
  output.end();
  return { failures, printed: await text(output) };
}

describe("the prompt", () => {
  it("prints rows as a table", async () => {
    const { printed, failures } = await type(
      "select 1 as id, 'Alien' as title union all\nselect 20, null order by id;\n",
    );
    expect(printed).toBe("id | title\n---+------\n1  | Alien\n20 |\n(2 rows)\n");
    expect(failures).toBe(0);
  });

  it("runs several statements of one line, and one that spans lines", async () => {
    const { printed } = await type(
      "create table a (t text); insert into a\nvalues ('x;y'), (';');\nselect count(*) from a;",
    );
    expect(printed).toBe("CREATE\nINSERT 2\ncount\n-----\n2\n(1 row)\n");
  });

  it("prints errors with code and message, and goes on", async () => {
    const { printed, failures } = await type("select * from nowhere;\nselect 1 as one;\n");
    expect(printed).toBe('ERROR 42P01: relation "nowhere" does not exist\none\n---\n1\n(1 row)\n');
    expect(failures).toBe(1);
  });

  it("quits at \\q", async () => {
    const { printed } = await type("\\q\nselect 1;\n");
    expect(printed).toBe("");
  });
});
