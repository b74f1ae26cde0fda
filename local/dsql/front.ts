import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import type { ServerIdentity } from "./authority.ts";
import { type CancelKeys, openSession, type SessionOptions } from "./session.ts";
import {
  CANCEL_REQUEST,
  type FirstPacket,
  fatal,
  GSSENC_REQUEST,
  PROTOCOL_3_0,
  readBytes,
  readFirstPacket,
  SSL_REQUEST,
} from "./wire.ts";

export interface FrontOptions extends SessionOptions {
  identity: ServerIdentity;
  /** The address to listen on. */
  listen: string;
  /** 0: the system picks one. */
  port: number;
}

export interface Front {
  port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Postgres' own bound for a client that connects but does not say who it is. */
const AUTHENTICATION_TIMEOUT_MS = 60_000;

const TLS_HANDSHAKE = 0x16;

/** Listens for Postgres clients of every cluster: TLS after an SSLRequest, or at once. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { key, cert } = options.identity;
  const secureContext = tls.createSecureContext({ key, cert, minVersion: "TLSv1.2" });
  const cancelKeys: CancelKeys = new Map();
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    serve(socket, secureContext, options, cancelKeys).catch(() => socket.destroy());
  });
  server.listen(options.port, options.listen);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The front has no TCP port");
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: address.port, close };
}

async function serve(
  socket: net.Socket,
  secureContext: tls.SecureContext,
  options: FrontOptions,
  cancelKeys: CancelKeys,
): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), AUTHENTICATION_TIMEOUT_MS);
  socket.once("close", () => clearTimeout(timer));
  const { encrypted, serverName } = (await encrypt(socket, secureContext, cancelKeys)) ?? {};
  if (!encrypted) return;
  const first = await readFirstPacket(encrypted);
  if (first.code === CANCEL_REQUEST) return cancel(encrypted, first, cancelKeys);
  if (first.code !== PROTOCOL_3_0) throw new Error("Only version 3.0 of the protocol is spoken");
  // A client that was refused and does not leave is cut off by the same timer.
  if (await openSession(encrypted, first.body, serverName, options, cancelKeys)) clearTimeout(timer);
}

interface Encrypted {
  encrypted: tls.TLSSocket;
  /** The host that the client wants to reach (SNI). */
  serverName: string | undefined;
}

/** Out: the encrypted connection; nothing if it is already over. */
async function encrypt(
  socket: net.Socket,
  secureContext: tls.SecureContext,
  cancelKeys: CancelKeys,
): Promise<Encrypted | undefined> {
  const byte = await readBytes(socket, 1);
  socket.unshift(byte);
  if (byte[0] === TLS_HANDSHAKE) return startTls(socket, secureContext);
  for (;;) {
    const first = await readFirstPacket(socket);
    if (first.code === SSL_REQUEST) {
      socket.write("S");
      return startTls(socket, secureContext);
    }
    if (first.code === CANCEL_REQUEST) {
      await cancel(socket, first, cancelKeys);
      return undefined;
    }
    if (first.code !== GSSENC_REQUEST) {
      socket.end(fatal({ code: "08006", message: "unable to accept connection, TLS is required" }));
      return undefined;
    }
    socket.write("N");
  }
}

async function startTls(socket: net.Socket, secureContext: tls.SecureContext): Promise<Encrypted> {
  let serverName: string | undefined;
  const encrypted = new tls.TLSSocket(socket, {
    isServer: true,
    secureContext,
    ALPNProtocols: ["postgresql"],
    SNICallback: (name, done) => {
      serverName = name;
      done(null, secureContext);
    },
  });
  encrypted.on("error", () => socket.destroy());
  await once(encrypted, "secure");
  return { encrypted, serverName };
}

/** Passes the request to the instance that knows the key; like Postgres, it never answers. */
async function cancel(client: net.Socket, request: FirstPacket, cancelKeys: CancelKeys): Promise<void> {
  const { body } = request;
  const socketPath =
    body.length === 8 ? cancelKeys.get(`${body.readInt32BE(0)}:${body.readInt32BE(4)}`) : undefined;
  if (socketPath !== undefined) {
    const backend = net.connect(socketPath).on("error", () => {});
    backend.end(request.bytes);
    backend.resume();
    await once(backend, "close");
  }
  client.end();
}
