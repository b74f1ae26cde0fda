import { randomBytes, randomUUID } from "node:crypto";
import Type from "typebox";
import { jsonService } from "./json-protocol.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import type { SecretRecord, SecretStore, SecretVersion } from "./secret-store.ts";

// Bounds are those of the API's model (version 2017-10-17).
const SecretId = Type.String({ minLength: 1, maxLength: 2048 });
const SecretString = Type.String({ minLength: 1, maxLength: 65_536 });
const Token = Type.Optional(Type.String({ minLength: 32, maxLength: 64 }));
const Stage = Type.String({ minLength: 1, maxLength: 256 });

const INPUTS = {
  CreateSecret: Type.Object({
    Name: Type.String({ pattern: "^[\\w/+=.@-]{1,512}$" }),
    ClientRequestToken: Token,
    SecretString: Type.Optional(SecretString),
  }),
  GetSecretValue: Type.Object({
    SecretId,
    VersionId: Type.Optional(Type.String({ minLength: 32, maxLength: 64 })),
    VersionStage: Type.Optional(Stage),
  }),
  PutSecretValue: Type.Object({
    SecretId,
    ClientRequestToken: Token,
    SecretString,
    VersionStages: Type.Optional(Type.Array(Stage, { minItems: 1, maxItems: 20 })),
  }),
  DescribeSecret: Type.Object({ SecretId }),
};
type Input<Name extends keyof typeof INPUTS> = Type.Static<(typeof INPUTS)[Name]>;

const CURRENT = "AWSCURRENT";
const PREVIOUS = "AWSPREVIOUS";
/** AWS keeps about a hundred, and those with a stage. */
const MAX_VERSIONS = 100;
/** AWS' quota of staging labels over all versions of a secret. */
const MAX_STAGES = 20;

const CODES = { throttled: "ThrottlingException", internal: "InternalServiceError" };

/** The local Secrets Manager: secrets of text, with versions and their stages. */
export function makeSecretsManager(store: SecretStore, region: string, accountId: string): Neighbour {
  const prefix = `arn:aws:secretsmanager:${region}:${accountId}:secret:`;
  const arnOf = ({ name, suffix }: SecretRecord) => `${prefix}${name}-${suffix}`;
  /** By name, by ARN, or by an ARN without its last six characters. */
  const find = (id: string): SecretRecord => {
    const name = id.startsWith(prefix) ? id.slice(prefix.length) : id;
    const found = store.get(name) ?? store.get(name.replace(/-[A-Za-z0-9]{6}$/, ""));
    if (found && [found.name, `${found.name}-${found.suffix}`].includes(name)) return found;
    throw new NeighbourError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  };
  return jsonService({
    ...{ service: "secretsmanager", target: "secretsmanager", inputs: INPUTS, codes: CODES },
    invalidCode: "InvalidParameterException",
    resourceOf(operation, input) {
      if (operation === "CreateSecret") return `${prefix}${input["Name"]}`;
      return arnOf(find(String(input["SecretId"])));
    },
    operations: {
      ...reading(find, arnOf),
      CreateSecret({ Name, ClientRequestToken = randomUUID(), SecretString: text }: Input<"CreateSecret">) {
        if (store.get(Name)) {
          const message = `The operation failed because the secret ${Name} already exists.`;
          throw new NeighbourError("ResourceExistsException", message);
        }
        const suffix = randomBytes(3).toString("hex");
        const empty: SecretRecord = { name: Name, suffix, createdAt: Date.now(), versions: [] };
        const secret =
          text === undefined ? empty : withVersion(empty, versionOf(ClientRequestToken, text), [CURRENT]);
        store.put(secret);
        const version = text === undefined ? {} : { VersionId: ClientRequestToken };
        return { ARN: arnOf(secret), Name, ...version };
      },
      PutSecretValue(input: Input<"PutSecretValue">) {
        const {
          ClientRequestToken: id = randomUUID(),
          SecretString: text,
          VersionStages = [CURRENT],
        } = input;
        const secret = find(input.SecretId);
        const known = secret.versions.find((version) => version.id === id);
        if (known && known.text !== text) {
          const message = `You can't modify an existing version, you can only create a new version. The version ${id} exists with another content.`;
          throw new NeighbourError("ResourceExistsException", message);
        }
        const changed = known ? secret : withVersion(secret, versionOf(id, text), VersionStages);
        if (!known) store.put(changed);
        const stages = changed.versions.find((version) => version.id === id)?.stages ?? [];
        return { ARN: arnOf(secret), Name: secret.name, VersionId: id, VersionStages: stages };
      },
    },
  });
}

function reading(find: (id: string) => SecretRecord, arnOf: (secret: SecretRecord) => string) {
  return {
    GetSecretValue({ SecretId: id, VersionId, VersionStage = CURRENT }: Input<"GetSecretValue">) {
      const secret = find(id);
      const found = secret.versions.find((version) =>
        VersionId === undefined ? version.stages.includes(VersionStage) : version.id === VersionId,
      );
      if (!found) {
        const which = VersionId === undefined ? `staging label: ${VersionStage}` : `VersionId: ${VersionId}`;
        const message = `Secrets Manager can't find the specified secret value for ${which}`;
        throw new NeighbourError("ResourceNotFoundException", message);
      }
      const names = { ARN: arnOf(secret), Name: secret.name };
      const version = {
        VersionId: found.id,
        VersionStages: found.stages,
        CreatedDate: found.createdAt / 1000,
      };
      return { ...names, ...version, SecretString: found.text };
    },
    DescribeSecret({ SecretId: id }: Input<"DescribeSecret">) {
      const secret = find(id);
      const staged = secret.versions.filter(({ stages }) => stages.length > 0);
      return {
        ...{ ARN: arnOf(secret), Name: secret.name, CreatedDate: secret.createdAt / 1000 },
        VersionIdsToStages: Object.fromEntries(staged.map((version) => [version.id, version.stages])),
      };
    },
  };
}

function versionOf(id: string, text: string): SecretVersion {
  return { id, text, stages: [], createdAt: Date.now() };
}

/**
 * A stage belongs to one version; the one that was current until then becomes the previous one, and the first of all is
 * current. Only versions without a stage are ever forgotten. Throws LimitExceededException.
 */
function withVersion(secret: SecretRecord, version: SecretVersion, wanted: readonly string[]): SecretRecord {
  const stages = [...new Set(secret.versions.length === 0 ? [...wanted, CURRENT] : wanted)];
  const moves = stages.includes(CURRENT) && !stages.includes(PREVIOUS);
  const moved = secret.versions.map((one) => {
    const left = one.stages.filter((stage) => !stages.includes(stage) && !(moves && stage === PREVIOUS));
    return { ...one, stages: moves && one.stages.includes(CURRENT) ? [...left, PREVIOUS] : left };
  });
  const versions = [...moved, { ...version, stages }];
  if (versions.flatMap((one) => one.stages).length > MAX_STAGES) {
    const message = `A secret may have ${MAX_STAGES} staging labels`;
    throw new NeighbourError("LimitExceededException", message);
  }
  const newest = versions.slice(-MAX_VERSIONS);
  return { ...secret, versions: versions.filter((one) => one.stages.length > 0 || newest.includes(one)) };
}
