import "reflect-metadata";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { DsqlSigner } from "@aws-sdk/dsql-signer";
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import {
  accessDenied,
  connect,
  createCluster,
  LOCAL,
  OPERATOR,
  query,
  rejection,
  temporaryDirectory,
} from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let endpoint: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path });
  ({ endpoint } = await createCluster(local.ready));
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

interface Raw {
  password: string;
  user?: string;
  servername?: string;
  options?: string;
}

/** A plain client with any password and any server name; to 127.0.0.1, so SNI is sent only when given. */
async function connectRaw({ password, user = "admin", servername, options }: Raw): Promise<pg.Client> {
  const client = new pg.Client({
    ...{ host: "127.0.0.1", port: local.ready.frontPort, database: "postgres", user, password },
    ...(options === undefined ? {} : { options }),
    ssl: {
      ca: readFileSync(local.ready.caFile, "utf8"),
      ...(servername === undefined ? {} : { servername }),
    },
  });
  client.on("error", () => {});
  await client.connect();
  return client;
}

function adminToken(hostname: string, expiresIn = 900): Promise<string> {
  return new DsqlSigner({
    hostname,
    region: "us-east-1",
    credentials: LOCAL,
    expiresIn,
  }).getDbConnectAdminAuthToken();
}

/** As the real signer makes it, but at another time. */
async function tokenOf(signingDate: Date, expiresIn: number): Promise<string> {
  const signer = new SignatureV4({
    service: "dsql",
    region: "us-east-1",
    credentials: LOCAL,
    sha256: Sha256,
  });
  const request = new HttpRequest({
    hostname: endpoint,
    query: { Action: "DbConnectAdmin" },
    headers: { host: endpoint },
  });
  const { query: signed } = await signer.presign(request, { signingDate, expiresIn });
  return `${endpoint}/?${new URLSearchParams(signed as Record<string, string>)}`;
}

describe("a token of the real signer", () => {
  it("lets admin in as admin, to the database postgres", async () => {
    const rows = await query(
      local.ready,
      endpoint,
      "select current_user as role, current_database() as database",
    );
    expect(rows).toEqual([{ role: "admin", database: "postgres" }]);
  });

  it("lets another role in with the action DbConnect", async () => {
    await query(local.ready, endpoint, "create role reader with login");
    await query(local.ready, endpoint, `aws iam grant reader to '${OPERATOR}'`);
    const session = await connect(local.ready, endpoint, { user: "reader" });
    const { rows } = await session.query("select current_user as role");
    await session.end();
    expect(rows).toEqual([{ role: "reader" }]);
  });

  it("is refused with a wrong secret", async () => {
    const credentials = { accessKeyId: "local", secretAccessKey: "guess" };
    const refusal = await rejection(connect(local.ready, endpoint, { credentials }));
    expect(refusal).toMatchObject(accessDenied(/signature/));
  });

  it("is refused with an unknown access key", async () => {
    const credentials = { accessKeyId: "stranger", secretAccessKey: "local" };
    const refusal = await rejection(connect(local.ready, endpoint, { credentials }));
    expect(refusal).toMatchObject(accessDenied(/security token/));
  });

  it("is refused for admin with the action DbConnect", async () => {
    const signer = new DsqlSigner({ hostname: endpoint, region: "us-east-1", credentials: LOCAL });
    const password = await signer.getDbConnectAuthToken();
    const refusal = await rejection(connectRaw({ password, servername: endpoint }));
    expect(refusal).toMatchObject(
      accessDenied(/^Wrong user to action mapping\. user: admin, action: DbConnect$/),
    );
  });

  it("is refused for another role with the action DbConnectAdmin", async () => {
    const password = await adminToken(endpoint);
    const refusal = await rejection(connectRaw({ password, servername: endpoint, user: "reader" }));
    expect(refusal).toMatchObject(
      accessDenied(/^Wrong user to action mapping\. user: reader, action: DbConnectAdmin$/),
    );
  });

  it("is refused for another cluster", async () => {
    const other = await createCluster(local.ready);
    const refusal = await rejection(
      connectRaw({ password: await adminToken(other.endpoint), servername: endpoint }),
    );
    expect(refusal).toMatchObject(accessDenied(/is for the host/));
  });

  it("is refused for the cluster's name in another Region", async () => {
    const hostname = endpoint.replace("us-east-1", "eu-west-1");
    const password = await adminToken(hostname);
    const refusal = await rejection(connectRaw({ password, servername: endpoint }));
    expect(refusal).toMatchObject(accessDenied(/is for the host/));
  });

  it("is accepted until it expires, and refused afterwards", async () => {
    const tenMinutesAgo = new Date(Date.now() - 600_000);
    const valid = await connectRaw({ password: await tokenOf(tenMinutesAgo, 900), servername: endpoint });
    await valid.end();
    const refusal = await rejection(
      connectRaw({ password: await tokenOf(tenMinutesAgo, 300), servername: endpoint }),
    );
    expect(refusal).toMatchObject(accessDenied(/^Signature expired: /));
  });

  it("is refused when anything in it was changed", async () => {
    const token = await adminToken(endpoint, 60);
    const refusal = await rejection(
      connectRaw({ password: token.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), servername: endpoint }),
    );
    expect(refusal).toMatchObject(accessDenied(/signature/));
  });

  it.each(["", "secret", "x".repeat(5_000), "%%%/?&&="])(
    "cannot be replaced by a password (%#)",
    async (password) => {
      const refusal = await rejection(connectRaw({ password, servername: endpoint }));
      expect(refusal).toBeInstanceOf(Error);
    },
  );
});

describe("routing", () => {
  it("goes by the token's host name without SNI", async () => {
    const session = await connectRaw({ password: await adminToken(endpoint) });
    const { rows } = await session.query("select 1 as one");
    await session.end();
    expect(rows).toEqual([{ one: 1 }]);
  });

  it("goes by the option amzn-cluster-id before SNI", async () => {
    const other = await createCluster(local.ready);
    const options = `-c amzn-cluster-id=${other.identifier}`;
    const password = await adminToken(other.endpoint);
    const session = await connectRaw({ password, servername: endpoint, options });
    await session.end();
    const refusal = await rejection(
      connectRaw({ password: await adminToken(endpoint), servername: endpoint, options }),
    );
    expect(refusal).toMatchObject(accessDenied(/is for the host/));
  });

  it("says that SNI is missing when nothing names a cluster", async () => {
    const refusal = await rejection(connectRaw({ password: "secret" }));
    expect(refusal).toMatchObject({
      code: "08006",
      message: "unable to accept connection, sni was not received",
    });
  });

  it("refuses a cluster that does not exist", async () => {
    const refusal = await rejection(connect(local.ready, `${"a".repeat(26)}.dsql.us-east-1.on.aws`));
    expect(refusal).toMatchObject({
      code: "08006",
      message: expect.stringMatching(/cluster a{26} does not exist$/),
    });
  });

  it("knows no other database than postgres", async () => {
    const refusal = await rejection(connect(local.ready, endpoint, { database: "other" }));
    expect(refusal).toMatchObject({ code: "3D000", severity: "FATAL" });
  });

  it("refuses roles that do not exist, and the superuser", async () => {
    for (const user of ["nobody_here", "postgres"]) {
      expect(await rejection(connect(local.ready, endpoint, { user }))).toMatchObject(
        accessDenied(/^The role .*(connect|log in)$/),
      );
    }
  });

  it("refuses settings that DSQL refuses", async () => {
    const refusal = await rejection(connect(local.ready, endpoint, { options: "-c statement_timeout=5" }));
    expect(refusal).toMatchObject({
      code: "0A000",
      message: 'setting configuration parameter "statement_timeout" not supported',
    });
  });
});

describe("the wire", () => {
  it("is refused without TLS", async () => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: local.ready.frontPort,
      user: "admin",
      password: "x",
    });
    const refusal = await rejection(client.connect());
    expect(refusal).toMatchObject({ code: "08006", message: expect.stringContaining("TLS") });
  });

  it("speaks TLS at once, with the protocol name postgresql", async () => {
    const socket = tls.connect({
      ...{
        host: "127.0.0.1",
        port: local.ready.frontPort,
        servername: endpoint,
        ALPNProtocols: ["postgresql"],
      },
      ca: readFileSync(local.ready.caFile, "utf8"),
    });
    await once(socket, "secureConnect");
    const protocol = socket.alpnProtocol;
    socket.destroy();
    expect(protocol).toBe("postgresql");
  });

  it("survives clients that send rubbish, or leave in the middle", async () => {
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\x08\0\0\0\0", "\x16\x03\x01\0", "\0"]) {
      const socket = net.connect(local.ready.frontPort, "127.0.0.1").on("error", () => {});
      socket.end(bytes, "latin1");
      socket.resume();
      await once(socket, "close");
    }
    expect(await query(local.ready, endpoint, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("carries large statements, parameters and answers", async () => {
    const session = await connect(local.ready, endpoint);
    const large = "ä".repeat(2_000_000);
    const { rows } = await session.query("select $1::text as back", [large]);
    const simple = await session.query(`select length('${large}') as length`);
    await session.end();
    expect(rows[0]!.back === large).toBe(true);
    expect(simple.rows).toEqual([{ length: 2_000_000 }]);
  });

  it("says what the service says when a cluster has no connection left", async () => {
    const busy = await createCluster(local.ready);
    const sessions = await Promise.allSettled(
      Array.from({ length: 55 }, () => connect(local.ready, busy.endpoint)),
    );
    for (const session of sessions) if (session.status === "fulfilled") await session.value.end();
    expect(sessions.find((session) => session.status === "rejected")?.reason).toMatchObject({
      code: "53300",
      message: "Unable to accept connection, too many open connections.",
    });
  });

  it("cancels a running statement", async () => {
    const session = await connect(local.ready, endpoint);
    const { processID, secretKey } = session as unknown as { processID: number; secretKey: number };
    const waiting = rejection(session.query("select pg_sleep(3600)"));
    const request = Buffer.alloc(16);
    for (const [index, value] of [16, 80_877_102, processID, secretKey].entries())
      request.writeInt32BE(value, index * 4);
    const statement =
      "select 1 from pg_stat_activity where state = 'active' and query like '%pg_sleep(3600)'";
    await expect.poll(() => query(local.ready, endpoint, statement)).toHaveLength(1);
    net.connect(local.ready.frontPort, "127.0.0.1").end(request);
    expect(await waiting).toMatchObject({ code: "57014" });
    await session.end();
  });
});

describe("the authority", () => {
  /** A certificate for any name, signed with the authority's own key: what a thief of the key could make. */
  async function stolenCertificate(name: string) {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const authority = new X509Certificate(readFileSync(local.ready.caFile));
    const pkcs8 = PemConverter.decodeFirst(readFileSync(join(directory.path, "ca-key.pem"), "utf8"));
    const signingKey = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.create({
      ...{ subject: "CN=thief", issuer: authority.subject, notAfter: new Date(Date.now() + 3_600_000) },
      ...{ publicKey: keys.publicKey, signingKey, signingAlgorithm: algorithm },
      extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
    });
    const exported = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    return {
      cert: certificate.toString("pem"),
      key: createPrivateKey({ key: exported, format: "der", type: "pkcs8" }),
    };
  }

  async function handshake(name: string): Promise<unknown> {
    const { cert, key } = await stolenCertificate(name);
    const server = tls.createServer({ cert, key: key.export({ format: "pem", type: "pkcs8" }) });
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    const ca = readFileSync(local.ready.caFile, "utf8");
    const socket = tls.connect({ host: "127.0.0.1", port, servername: name, ca });
    const outcome = await once(socket, "secureConnect").then(
      () => "trusted",
      (error: unknown) => error,
    );
    socket.destroy();
    server.close();
    return outcome;
  }

  it("vouches for DSQL's names of its Region", async () => {
    expect(await handshake("anything.dsql.us-east-1.on.aws")).toBe("trusted");
  });

  it.each(["example.com", "dsql.eu-west-1.on.aws", "api.aws", "console.on.aws"])(
    "cannot vouch for %s",
    async (name) => {
      expect(await handshake(name)).toMatchObject({ message: expect.stringMatching(/permitted subtree/) });
    },
  );
});
