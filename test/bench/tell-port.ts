import type { Server } from "node:http";

/** Tells the parent where the server listens. */
export function tellPort(server: Server): void {
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("The server has no port");
  process.send?.({ port: address.port });
}
