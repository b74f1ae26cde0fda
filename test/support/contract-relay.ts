import net, { type AddressInfo } from "node:net";

/** A TCP relay whose connections a test can cut, or whose answers it can withhold. */
export async function startRelay(to: { readonly host: string; readonly port: number }) {
  const open = new Set<net.Socket>();
  let silent = false;
  const server = net.createServer((client) => {
    open.add(client);
    client.on("error", () => undefined);
    if (silent) return;
    const upstream = net.connect(to.port, to.host);
    open.add(upstream);
    upstream.on("error", () => client.destroy());
    client.pipe(upstream).pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  return {
    address: { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    cut,
    /** From now on connections are accepted, and nothing else. */
    silence: () => {
      silent = true;
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
