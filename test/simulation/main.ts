import { openConnections } from "./connections.ts";
import { playLife } from "./life.ts";
import { MUTATIONS } from "./mutations.ts";

const seed = Number(process.argv[2]);
const n = Number(process.argv[3] ?? 1);
const mut = process.argv[4];
const opened = await openConnections();
const t0 = performance.now();
for (let s = seed; s < seed + n; s++) {
  const r = await playLife(opened.connections, {
    seed: s,
    ...(mut ? { mutation: (MUTATIONS as any)[mut] } : {}),
    ...(process.env["V"] ? { print: (l: string) => process.stdout.write(l) } : {}),
  });
  if (n < 5 || r.broken) console.log(JSON.stringify(r));
  await opened.clean();
  if (r.broken && !process.env["ALL"]) break;
}
console.log(((performance.now() - t0) / n).toFixed(1), "ms per life");
await opened.close();
