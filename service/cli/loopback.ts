/**
 * A Postgres on 127.0.0.1 that stands for one cluster: a tool that can neither sign tokens nor renew them connects here
 * without TLS and with a password that never changes, and each of its connections goes on with TLS and a token of its own.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import tls from "node:tls";
import type { Token } from "../client/client.ts";
import {
  authentication,
  CANCEL_REQUEST,
  encode,
  fatal,
  firstPacket,
  GSSENC_REQUEST,
  PROTOCOL_3,
  parseParameters,
  passwordMessage,
  readBytes,
  readFirstPacket,
  readMessage,
  SSL_REQUEST,
  startupPacket,
} from "./wire.ts";

export interface Loopback {
  /** What a tool needs: libpq's variables, and DATABASE_URL. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends all connections. */
  close(): Promise<void>;
}

export interface LoopbackOptions {
  /** Asked for a token when a connection begins. */
  readonly token: () => Promise<Token>;
  /** Hears of what a tool may hide, such as a refused token. */
  readonly onProblem?: (message: string) => void;
}

const ADDRESS = "127.0.0.1";
const PASSWORD_BYTES = 24;
/** A token serves the connections that begin within this time: a pool opens many at once. */
const TOKEN_SHARED_MS = 30_000;
/** A tool that connects but does not go on, and a cluster that does not answer. */
const HANDSHAKE_TIMEOUT_MS = 30_000;
/** More than any tool's pool. */
const CONNECTIONS_MAX = 500;
const AUTHENTICATION_CLEARTEXT = 3;

/** Listens on a port of the system's choice. `first` says who the tool connects as. */
export async function openLoopback(first: Token, options: LoopbackOptions): Promise<Loopback> {
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const sockets = new Set<net.Socket>();
  const token = shareTokens(first, options.token);
  const server = net.createServer({ noDelay: true }, (client) => {
    track(sockets, client);
    serve(client, { password, token, sockets }).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      options.onProblem?.(message);
      client.end(fatal("08006", message));
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(0, ADDRESS);
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    environment: environmentOf(first, port, password),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function environmentOf({ user, database }: Token, port: number, password: string): Record<string, string> {
  const login = `${encodeURIComponent(user)}:${password}`;
  return {
    PGHOST: ADDRESS,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGPASSWORD: password,
    PGSSLMODE: "disable",
    DATABASE_URL: `postgresql://${login}@${ADDRESS}:${port}/${encodeURIComponent(database)}?sslmode=disable`,
  };
}

interface Service {
  readonly password: string;
  readonly token: () => Promise<Token>;
  readonly sockets: Set<net.Socket>;
}

async function serve(client: net.Socket, { password, token, sockets }: Service): Promise<void> {
  client.setTimeout(HANDSHAKE_TIMEOUT_MS, () => client.destroy());
  const { code, body } = await firstOf(client);
  if (code === CANCEL_REQUEST) {
    // It names a session by a secret of the cluster's, so it needs no password.
    const upstream = await dial(await token(), sockets);
    upstream.end(firstPacket(CANCEL_REQUEST, body));
    client.end();
    return;
  }
  if (code >> 16 !== PROTOCOL_3 >> 16)
    throw new Error("Only version 3 of Postgres' protocol is spoken here.");
  client.write(authentication(AUTHENTICATION_CLEARTEXT));
  const answer = await readMessage(client);
  if (answer.type !== "p" || !same(answer.body.toString("utf8").replace(/\0$/, ""), password)) {
    client.end(fatal("28P01", "Wrong password: use the variables that `offshoot run` sets for its command."));
    return;
  }
  const given = await token();
  const upstream = await dial(given, sockets);
  const parameters = parseParameters(body);
  upstream.write(startupPacket(parameters.set("user", given.user).set("database", given.database)));
  const asked = await readMessage(upstream);
  if (asked.type === "R" && asked.body.readInt32BE(0) === AUTHENTICATION_CLEARTEXT)
    upstream.write(passwordMessage(given.token));
  else client.write(encode(asked));
  for (const socket of [client, upstream]) socket.setTimeout(0);
  client.pipe(upstream).pipe(client);
}

/** The first packet that is not about encryption, which there is none of on loopback. */
async function firstOf(client: net.Socket) {
  for (let refusals = 0; refusals < 3; refusals += 1) {
    const packet = await readFirstPacket(client);
    if (packet.code !== SSL_REQUEST && packet.code !== GSSENC_REQUEST) return packet;
    client.write("N");
  }
  throw new Error("This is no client of Postgres.");
}

/** An encrypted connection to the cluster, whose certificate was checked against its name. */
async function dial({ host, port, connectTo }: Token, sockets: Set<net.Socket>): Promise<tls.TLSSocket> {
  const socket = net.connect({ host: connectTo?.address ?? host, port: connectTo?.port ?? port });
  track(sockets, socket);
  const late = setTimeout(() => {
    socket.destroy(new Error(`${host} does not answer.`));
  }, HANDSHAKE_TIMEOUT_MS);
  try {
    await once(socket, "connect");
    socket.setNoDelay(true).setKeepAlive(true);
    socket.write(firstPacket(SSL_REQUEST, Buffer.alloc(0)));
    if ((await readBytes(socket, 1)).toString() !== "S") throw new Error(`${host} offers no TLS.`);
    const ca = connectTo ? await readFile(connectTo.caFile, "utf8") : undefined;
    const secured = tls.connect({ socket, servername: host, ...(ca && { ca }) });
    track(sockets, secured);
    await once(secured, "secureConnect");
    return secured;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** Forgets a socket when it closes; an end of either side closes both, through the pipes. */
function track(sockets: Set<net.Socket>, socket: net.Socket): void {
  sockets.add(socket);
  socket.on("error", () => socket.destroy());
  socket.once("close", () => sockets.delete(socket));
}

function shareTokens(first: Token, ask: () => Promise<Token>): () => Promise<Token> {
  let at = Date.now();
  let shared = Promise.resolve(first);
  return () => {
    if (Date.now() - at < TOKEN_SHARED_MS) return shared;
    at = Date.now();
    shared = ask();
    shared.catch(() => {
      at = 0;
    });
    return shared;
  };
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
