import type pg from "pg";
import { secrets } from "../../service/adapters/secrets.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import type { ApiHandlers } from "../../service/handlers/api-types.ts";
import { createActor } from "./actor.ts";
import type { Request } from "./customers.ts";
import { HOST } from "./github.ts";
import type { LeaseWatch } from "./leases.ts";
import { Broken, type Stage } from "./stage.ts";
import { contextOf, databaseOf, type Process, type Service } from "./workers.ts";

/** One process of the API: it takes the requests of the customers' back end one after the other. */
export function createApiProcess(service: Service, name: string, client: pg.Client): Process {
  const { baton, world } = service;
  const { customers, stage } = world;
  const actor = createActor(baton, stage, name);
  /** A request holds no key of the queue; its transaction and its Idempotency-Key are what fences it. */
  const watch: LeaseWatch = {
    committed(task, ran) {
      const events = ran.filter(({ statement }) => statement.name === "event_add");
      customers.committed(
        task,
        events.map(({ values }) => String(values[3])),
      );
    },
  };
  const database = databaseOf({ ...service, watch }, actor, client);
  return {
    start(atMs) {
      const api = createApiHandlers({
        ...contextOf(service, actor, createStore(database)),
        ...{ signer: null, jobTokens: null, signIn: null, secrets },
        ...{ publicUrl: "https://offshoot.test", host: HOST },
      });
      const due = () => (customers.nextAt() ?? Number.POSITIVE_INFINITY) <= stage.now().getTime();
      baton.spawn(async () => {
        await baton.turn(name, { until: atMs });
        for (;;) {
          await baton.turn(name, { ready: due });
          const request = customers.take(name);
          if (request) customers.answer(name, await isAnswered(stage, name, request, api));
        }
      });
    },
    bury() {
      customers.hangUp(name);
      return database.abandon();
    },
  };
}

/** A refusal is an answer; whatever says "later" is not. */
async function isAnswered(stage: Stage, name: string, request: Request, api: ApiHandlers): Promise<boolean> {
  stage.say(`${name} takes ${request.name}`);
  try {
    await request.send(api);
    stage.say(`${name} answers ${request.name}`);
    return true;
  } catch (error) {
    if (error instanceof Broken) throw error;
    if (error instanceof Refused || error instanceof Retryable) {
      stage.say(`${name} refuses ${request.name} ${error.reason}`);
      return error instanceof Refused;
    }
    const stack = error instanceof Error ? error.stack : error;
    throw stage.fail(new Broken("bug", `${request.name}: ${stack}`));
  }
}
