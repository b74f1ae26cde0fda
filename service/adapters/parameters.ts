import {
  DeleteParameterCommand,
  InvalidResourceId,
  ListTagsForResourceCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
  SSMServiceException,
} from "@aws-sdk/client-ssm";
import { Refused, Retryable } from "../domain/errors.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import type { Parameters } from "../handlers/ports.ts";
import { isCredentialsError } from "./aws-credentials-error.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { unknownOf } from "./dsql-failure.ts";

/** Of the answers with 400, the ones that time mends (Systems Manager, common errors and PutParameter). */
const PASSES = /Throttl|TooManyUpdates|LimitExceeded$/;
/** These two do not: 10,000 standard parameters in a Region, and a label on the oldest of 100 versions. */
const FULL = /^(?:ParameterLimitExceeded|ParameterMaxVersionLimitExceeded)$/;
const PERMISSIONS =
  "ssm:PutParameter, ssm:AddTagsToResource, ssm:ListTagsForResource and ssm:DeleteParameter on the prefix";

export interface ParametersOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address of SSM, such as the local one. */
  readonly endpoint?: string;
  /** For one put or removal as a whole: it must end within the lease of its step. */
  readonly callTimeoutMs?: number;
  /** Tags that the organisation wants on everything: put on new ones, and nothing is known by them. */
  readonly extraTags?: Readonly<Record<string, string>>;
}

type Tags = Readonly<Record<string, string>>;

/**
 * Parameters on the AWS SDK, with one client for the life of the process; `close` drops its connections. The SDK retries
 * nothing: the wakeup does. Throws Retryable `parameter_unavailable` and Refused `parameter_refused`.
 */
export function createParameters(options: ParametersOptions): Parameters & { close(): void } {
  const { region, credentials, endpoint, callTimeoutMs = CALL_TIMEOUT_MS, extraTags = {} } = options;
  const client = new SSMClient({ region, credentials, maxAttempts: 1, ...(endpoint ? { endpoint } : {}) });
  const limited = async <T>(name: string, work: (calls: Calls) => Promise<T>): Promise<T> => {
    try {
      return await work(callsOf(client, name, AbortSignal.timeout(callTimeoutMs)));
    } catch (error) {
      throw asFailure(error, name);
    }
  };
  return {
    put: ({ name, value, tags }) => limited(name, (calls) => put(calls, value, tags, extraTags)),
    remove: (name, tags) => limited(name, (calls) => remove(calls, tags)),
    close: () => client.destroy(),
  };
}

type Calls = ReturnType<typeof callsOf>;

function callsOf(client: SSMClient, name: string, abortSignal: AbortSignal) {
  const parameter = { Name: name, Type: "String", Tier: "Standard" } as const;
  return {
    /** SSM takes tags only for a new one, and so says whether it is. */
    async create(value: string, tags: Tags): Promise<"made" | "exists"> {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      try {
        await client.send(new PutParameterCommand({ ...parameter, Value: value, Tags }), { abortSignal });
        return "made";
      } catch (error) {
        if (error instanceof ParameterAlreadyExists) return "exists";
        throw error;
      }
    },
    overwrite: (value: string) =>
      client.send(new PutParameterCommand({ ...parameter, Value: value, Overwrite: true }), { abortSignal }),
    async remove(): Promise<void> {
      try {
        await client.send(new DeleteParameterCommand({ Name: name }), { abortSignal });
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
      }
    },
    /** Null if there is no such parameter. */
    async tags(): Promise<ReadonlyMap<string, string> | null> {
      try {
        const command = new ListTagsForResourceCommand({ ResourceType: "Parameter", ResourceId: name });
        const { TagList = [] } = await client.send(command, { abortSignal });
        return new Map(TagList.map(({ Key = "", Value = "" }) => [Key, Value]));
      } catch (error) {
        if (error instanceof InvalidResourceId) return null;
        throw error;
      }
    },
  };
}

async function put(calls: Calls, value: string, tags: Tags, extraTags: Tags): Promise<"put" | "foreign"> {
  if ((await calls.create(value, { ...extraTags, ...tags })) === "made") return "put";
  const found = await calls.tags();
  if (!found) throw new Retryable("parameter_unavailable", "The SSM parameter was removed while it was put.");
  if (!isOurs(found, tags)) return "foreign";
  await calls.overwrite(value);
  return "put";
}

async function remove(calls: Calls, tags: Tags): Promise<"removed" | "foreign"> {
  const found = await calls.tags();
  if (!found) return "removed";
  if (!isOurs(found, tags)) return "foreign";
  await calls.remove();
  return "removed";
}

function isOurs(found: ReadonlyMap<string, string>, tags: Tags): boolean {
  return Object.entries(tags).every(([key, value]) => found.get(key) === value);
}

/** What an operator must change is Refused; a time-out, a throttling and a 5xx say nothing and are Retryable. */
function asFailure(error: unknown, name: string): unknown {
  if (error instanceof Retryable) return error;
  const { cause, retryAfterMs } = unknownOf(error);
  const status = error instanceof SSMServiceException ? error.$metadata.httpStatusCode : undefined;
  const code = error instanceof Error ? error.name : "";
  const isPassing = isCredentialsError(code) || (PASSES.test(code) && !FULL.test(code));
  const isRefused = (status === 400 || status === 403) && !isPassing;
  if (!isRefused) {
    const message = `SSM did not answer for ${name}: ${cause}`;
    return new Retryable("parameter_unavailable", message, { afterMs: retryAfterMs, cause: error });
  }
  const advice = code.startsWith("AccessDenied") ? ` Allow the service's role ${PERMISSIONS}.` : "";
  return new Refused("parameter_refused", `SSM refuses the parameter ${name}: ${cause}${advice}`, {
    cause: error,
  });
}
