/** The load generator in a process of its own: a Round comes in by message, a Load goes out. */
import { makeDeliveries, SECRET } from "./deliveries.ts";
import { generateLoad, type Round } from "./load.ts";

const deliveries = makeDeliveries(SECRET);

process.on("message", (round: Round) => {
  generateLoad(round, deliveries).then(
    (load) => process.send?.(load),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.send?.({ ready: true });
