import type { FastifyInstance } from "fastify";
import { addFaultRoutes, addOnDemand } from "../dsql/fault-routes.ts";
import { type Neighbour, NeighbourError } from "../dsql/neighbour.ts";
import { type AnswerOptions, answer, sendError } from "../dsql/neighbour-http.ts";
import { type Identity, refuseAction } from "../dsql/principals.ts";
import { QUERY_CODES, queryAnswer, queryProtocol, unknownAction } from "../dsql/query-protocol.ts";
import { buildServiceApp } from "../dsql/service-http.ts";
import type { Tree } from "../dsql/xml.ts";
import { Failure, type Failures } from "./failures.ts";
import type { Operations } from "./operations.ts";
import type { Queries } from "./queries.ts";
import { type Action, type Input, isAction, parseForm, readInput } from "./requests.ts";

export interface ServerOptions extends AnswerOptions {
  accountId: string;
  operations: Operations;
  queries: Queries;
  failures: Failures;
}

const NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/**
 * The stack API over HTTP (AWS' Query protocol) for the real SDK client, plus `/_local/…` for tests, which needs no signature.
 * Not listening yet.
 */
export function buildServer(options: ServerOptions): FastifyInstance {
  const app = buildServiceApp();
  const neighbour = makeNeighbour(options);
  app.setErrorHandler((error, _request, reply) => sendError(neighbour, error, reply));
  app.post("/", (request, reply) => answer(neighbour, request, reply, options));
  addFaultRoutes(app, options.faults);
  const { add, clear } = options.failures;
  addOnDemand(app, {
    ...{ url: "/_local/failures", schema: Failure, add, clear },
    shape: "{ action: 'create' | 'update' | 'remove', type, reason, times }",
  });
  return app;
}

function makeNeighbour(options: ServerOptions): Neighbour {
  const { region, accountId } = options;
  const performers = performersOf(options);
  return {
    ...{ ...queryProtocol(NAMESPACE), service: "cloudformation", codes: QUERY_CODES },
    read(_headers, body) {
      const { action, input } = parseForm(body);
      if (!isAction(action)) throw unknownAction(action);
      return { operation: action, input };
    },
    resourceOf({ input }) {
      const name = String(input["StackName"] ?? "");
      if (name === "") return "*";
      return name.startsWith("arn:") ? name : `arn:aws:cloudformation:${region}:${accountId}:stack/${name}/*`;
    },
    run({ operation, input }, identity) {
      checkRole(identity, input["RoleARN"]);
      return queryAnswer(NAMESPACE, operation, perform(performers, operation as Action, input));
    },
  };
}

/** Who gives CloudFormation a role must be allowed to pass it. */
function checkRole(identity: Identity, roleArn: unknown): void {
  if (typeof roleArn !== "string") return;
  const refusal = refuseAction(identity, "iam:PassRole", roleArn);
  if (refusal !== undefined) throw new NeighbourError(QUERY_CODES.denied, refusal, 403);
}

type Performers = { [Name in Action]: (input: Input<Name>) => Tree };

function performersOf({ operations, queries }: ServerOptions): Performers {
  return {
    ...queries,
    CreateStack: (input) => ({ StackId: operations.create(input) }),
    UpdateStack: (input) => ({ StackId: operations.update(input) }),
    UpdateTerminationProtection: (input) => ({ StackId: operations.protect(input) }),
    DeleteStack: (input) => {
      operations.remove(input);
      return {};
    },
  };
}

function perform<Name extends Action>(
  performers: Performers,
  action: Name,
  input: Readonly<Record<string, unknown>>,
): Tree {
  return performers[action](readInput(action, input));
}
