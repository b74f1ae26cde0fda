import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import net, { type AddressInfo } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabases } from "../../service/adapters/dsql-databases.ts";
import { createTokenSigner } from "../../service/adapters/dsql-token.ts";
import { READER_ROLE } from "../../service/domain/access.ts";
import {
  accessDenied,
  createCluster,
  LOCAL,
  query,
  rejection,
  roleArn,
  temporaryDirectory,
} from "../local/dsql/clients.ts";
import { localPlace } from "../support/contract-dsql.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const TOKEN_ROLE = roleArn("offshoot-token");
const GRANTS = [{ databaseRole: READER_ROLE, iamRole: TOKEN_ROLE }];

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let signer: ReturnType<typeof createTokenSigner>;
let mine: Awaited<ReturnType<typeof createCluster>>;
let other: Awaited<ReturnType<typeof createCluster>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path });
  const { region, neighboursUrl: endpoint } = local.ready;
  signer = createTokenSigner({ region, endpoint, credentials: async () => LOCAL, roleArn: TOKEN_ROLE });
  [mine, other] = [await createCluster(local.ready), await createCluster(local.ready)];
  for (const cluster of [mine, other]) await prepare(cluster.endpoint);
}, 120_000);
afterAll(async () => {
  signer?.close();
  await local?.stop();
  await directory.remove();
});

/** What a migrate step does: roles, a migration, and reading. */
async function prepare(endpoint: string) {
  const session = await createDatabases(localPlace(local).connection).open(endpoint);
  await session.mapRoles(GRANTS, []);
  await query(local.ready, endpoint, "create table orders (id int primary key)");
  await query(local.ready, endpoint, "insert into orders values (1)");
  await session.grantReads(READER_ROLE);
  await session.close();
}

async function runWith(token: string, host: string, user: string, sql: string): Promise<unknown[]> {
  const { caFile, frontAddress, frontPort } = local.ready;
  const client = new pg.Client({
    ...{ host, user, database: "postgres", password: token },
    ssl: { ca: readFileSync(caFile, "utf8") },
    stream: () => {
      const socket = new net.Socket();
      const dial = socket.connect.bind(socket);
      socket.connect = () => dial(frontPort, frontAddress);
      return socket;
    },
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const tokenFor = async (user: string) => (await signer.sign({ ...mine, user, seconds: 900 })).token;

describe("a reader's token", () => {
  it("reads the tables, and writes and makes nothing", async () => {
    const token = await tokenFor(READER_ROLE);
    const run = (sql: string) => runWith(token, mine.endpoint, READER_ROLE, sql);
    expect(await run("select id from orders")).toEqual([{ id: 1 }]);
    for (const sql of ["insert into orders values (2)", "delete from orders", "create table mine (id int)"]) {
      expect(await rejection(run(sql))).toMatchObject({ code: "42501" });
    }
  });

  it("is no owner's token", async () => {
    const refusal = await rejection(runWith(await tokenFor(READER_ROLE), mine.endpoint, "admin", "select 1"));
    expect(refusal).toMatchObject({ code: "08006" });
  });

  it("opens nothing when its role is not mapped any more", async () => {
    const session = await createDatabases(localPlace(local).connection).open(other.endpoint);
    await session.mapRoles([], [READER_ROLE]);
    await session.close();
    const { token } = await signer.sign({ ...other, user: READER_ROLE, seconds: 900 });
    const refusal = await rejection(runWith(token, other.endpoint, READER_ROLE, "select 1"));
    expect(refusal).toMatchObject(accessDenied(/is not granted/));
  });
});

describe("an owner's token", () => {
  it("is admin's", async () => {
    const token = await tokenFor("admin");
    expect(await runWith(token, mine.endpoint, "admin", "select current_user as role")).toEqual([
      { role: "admin" },
    ]);
  });
});

describe("a token's session", () => {
  it.each(["admin", READER_ROLE])("as %s connects to no other cluster, in no other way", async (user) => {
    const listened = await listen();
    await listened.signer.sign({ ...mine, user, seconds: 900 });
    listened.close();
    const connectTo = (host: string, as: string) =>
      query(local.ready, host, "select 1 as one", { user: as, credentials: listened.credentials() });
    expect(await connectTo(mine.endpoint, user)).toEqual([{ one: 1 }]);
    const action = user === "admin" ? "DbConnectAdmin" : "DbConnect";
    expect(await rejection(connectTo(other.endpoint, user))).toMatchObject(
      accessDenied(new RegExp(`not authorized to perform: dsql:${action} on resource: ${other.arn}`)),
    );
    const otherUser = user === "admin" ? READER_ROLE : "admin";
    expect(await rejection(connectTo(mine.endpoint, otherUser))).toMatchObject(
      accessDenied(/not authorized/),
    );
  });
});

/** A signer whose words with STS are overheard. */
async function listen() {
  let heard = "";
  const server = createServer((request, response) => {
    const { method, headers } = request;
    const onwards = httpRequest(local.ready.neighboursUrl, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on("data", (part: Buffer) => {
        heard += part.toString();
      });
      answer.pipe(response);
    });
    request.pipe(onwards);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = { region: local.ready.region, credentials: async () => LOCAL, roleArn: TOKEN_ROLE };
  const overheard = createTokenSigner({ ...options, endpoint: `http://127.0.0.1:${port}` });
  const element = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(heard)?.[1] ?? "";
  return {
    signer: overheard,
    credentials: () => ({
      accessKeyId: element("AccessKeyId"),
      secretAccessKey: element("SecretAccessKey"),
      sessionToken: element("SessionToken"),
    }),
    close() {
      overheard.close();
      server.close();
    },
  };
}
