/** The smallest server that checks a signature: node:http and HMAC, no parsing, no storage. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { SECRET } from "./deliveries.ts";
import { tellPort } from "./tell-port.ts";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const expected = createHmac("sha256", SECRET).update(Buffer.concat(chunks)).digest();
    const given = Buffer.from(String(request.headers["x-hub-signature-256"]).slice("sha256=".length), "hex");
    const good = given.length === expected.length && timingSafeEqual(given, expected);
    response.writeHead(good ? 202 : 401, { "content-length": 0 }).end();
  });
});
server.listen(0, "127.0.0.1", () => tellPort(server));
