import type { Duplex } from "node:stream";

// Postgres' frontend/backend protocol, version 3.

export const PROTOCOL_3_0 = 196_608;
export const CANCEL_REQUEST = 80_877_102;
export const SSL_REQUEST = 80_877_103;
export const GSSENC_REQUEST = 80_877_104;

/** Every message after the first has a type and a length that counts itself. */
export const HEADER_BYTES = 5;

/** Postgres' own bound for the first packet. */
const MAX_STARTUP_BYTES = 10_000;

/** Postgres' own bound for a password; tokens with a session token have about 2 KB. */
const MAX_PASSWORD_BYTES = 65_535;

export interface FirstPacket {
  code: number;
  /** What follows length and code. */
  body: Buffer;
  /** The packet as it came. */
  bytes: Buffer;
}

/** A refusal with the fields of a Postgres error. */
export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** Reads exactly `size` bytes and leaves the rest to the next reader. Throws when the stream ends before. */
export function readBytes(stream: Duplex, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (bytes: unknown): void => {
      stream.off("readable", attempt).off("end", attempt).off("close", attempt);
      if (Buffer.isBuffer(bytes) && bytes.length === size) resolve(bytes);
      else reject(new Error("The connection ended early"));
    };
    // At the end of a stream, read() gives what is left even if it is less.
    const attempt = (): void => {
      const bytes: unknown = stream.read(size);
      if (bytes !== null || stream.readableEnded || stream.destroyed) settle(bytes);
    };
    stream.on("readable", attempt).on("end", attempt).on("close", attempt);
    attempt();
  });
}

export interface Message {
  /** The byte of its letter. */
  type: number;
  body: Buffer;
  /** The message as it came. */
  bytes: Buffer;
}

/** Reads a message of a peer that is trusted with its length. */
export async function readMessage(stream: Duplex): Promise<Message> {
  const head = await readBytes(stream, HEADER_BYTES);
  const size = head.readInt32BE(1) - 4;
  const body = size === 0 ? Buffer.alloc(0) : await readBytes(stream, size);
  return { type: head.readUInt8(0), body, bytes: Buffer.concat([head, body]) };
}

/** Reads a startup packet, or a request that takes its place. */
export async function readFirstPacket(stream: Duplex): Promise<FirstPacket> {
  const head = await readBytes(stream, 8);
  const size = head.readInt32BE(0);
  if (size < 8 || size > MAX_STARTUP_BYTES) throw new Error("Not a Postgres client");
  const body = size === 8 ? Buffer.alloc(0) : await readBytes(stream, size - 8);
  return { code: head.readInt32BE(4), body, bytes: Buffer.concat([head, body]) };
}

/** Out: the startup packet's parameters, e.g. `user`. */
export function parseParameters(body: Buffer): Map<string, string> {
  const texts = body.toString("utf8").split("\0");
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < texts.length && texts[index] !== ""; index += 2) {
    parameters.set(texts[index] ?? "", texts[index + 1] ?? "");
  }
  return parameters;
}

export function startupPacket(parameters: ReadonlyMap<string, string>): Buffer {
  const body = Buffer.from(`${[...parameters].flat().join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(PROTOCOL_3_0, 4);
  return Buffer.concat([head, body]);
}

/** Asks for the password in clear, which is what the service does inside TLS, and reads it. */
export async function askPassword(stream: Duplex): Promise<string> {
  stream.write(message("R", Buffer.from([0, 0, 0, 3])));
  const head = await readBytes(stream, HEADER_BYTES);
  const size = head.readInt32BE(1) - 4;
  if (head[0] !== 0x70 || size < 1 || size > MAX_PASSWORD_BYTES) throw new Error("Not a password message");
  return (await readBytes(stream, size)).toString("utf8").replace(/\0.*$/s, "");
}

/** One message of a type that is one ASCII letter. */
export function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.write(type, 0, "latin1");
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** The ErrorResponse that ends a connection. */
export function fatal({ code, message: text, hint }: Failure): Buffer {
  const fields = ["SFATAL", "VFATAL", `C${code}`, `M${text}`, ...(hint === undefined ? [] : [`H${hint}`])];
  return message("E", Buffer.from(`${fields.join("\0")}\0\0`));
}
