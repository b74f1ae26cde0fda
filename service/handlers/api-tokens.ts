import { ADMIN_ROLE, READER_ROLE } from "../domain/access.ts";
import { standing } from "../domain/decide-environment.ts";
import type { Environment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { TOKEN_SECONDS, TOKEN_SECONDS_MAX } from "../domain/limits.ts";
import { tenantOwnerKey } from "../domain/owner.ts";
import { permitted } from "./api-access.ts";
import type { ApiHandlers, TokenRequest, TokenView } from "./api-types.ts";
import { record } from "./api-write.ts";
import { DATABASE_NAME, DATABASE_PORT, load } from "./environment-view.ts";
import type { ApiContext, Caller } from "./ports-api.ts";

/** Tokens: signed for one cluster, written in history by who asked and in what role, and kept nowhere. */
export function createTokens(context: ApiContext): Pick<ApiHandlers, "tenantToken" | "environmentToken"> {
  const { store } = context;
  return {
    async tenantToken(caller, key, request) {
      const found = await store.environmentByOwner(tenantOwnerKey(key));
      return sign(
        context,
        caller,
        await permitted(context, caller, `tenant.token.${request.role}`, found),
        request,
      );
    },
    async environmentToken(caller, id, request) {
      const found = await store.environment(id);
      return sign(
        context,
        caller,
        await permitted(context, caller, `environment.token.${request.role}`, found),
        request,
      );
    },
  };
}

async function sign(
  context: ApiContext,
  caller: Caller,
  environment: Environment,
  { role, seconds }: TokenRequest,
): Promise<TokenView> {
  const { signer, policy, clock, store } = context;
  if (!signer) {
    const next = "The operator sets OFFSHOOT_TOKEN_ROLE_ARN; until then sign tokens with AWS credentials.";
    throw new Refused("token_role_missing", `This service signs no tokens. ${next}`);
  }
  const { serving, phase } = await load(store, environment, clock.now());
  if (
    !serving?.endpoint ||
    !serving.arn ||
    standing(serving) !== "available" ||
    environment.wanted === "absent"
  ) {
    throw new Refused("not_ready", `The database is ${phase}. Wait until it is ready, and ask again.`);
  }
  const user = role === "owner" ? ADMIN_ROLE : READER_ROLE;
  const most = environment.limits.tokenSeconds ?? TOKEN_SECONDS_MAX;
  const asked = Math.min(seconds ?? TOKEN_SECONDS, most);
  const { token, expiresAt } = await signer.sign({
    kind: serving.kind,
    arn: serving.arn,
    endpoint: serving.endpoint,
    user,
    seconds: asked,
  });
  const at = clock.now();
  const detail = `${role} until ${expiresAt.toISOString()}`;
  await store.transaction((tx) => record(context, tx, caller, environment, "token_signed", detail, at));
  const to = policy.connect.to;
  const access = { host: serving.endpoint, port: to?.port ?? DATABASE_PORT, user, database: DATABASE_NAME };
  return {
    ...{ token, role, ...access, region: policy.region, expiresAt },
    connectTo: to,
    environment: libpqOf(access, token, to),
  };
}

/** The variables of libpq, ready to be set: verified TLS to the real name, wherever the TCP connection goes. */
function libpqOf(
  access: Pick<TokenView, "host" | "port" | "user" | "database">,
  token: string,
  to: TokenView["connectTo"],
): Readonly<Record<string, string>> {
  return {
    PGHOST: access.host,
    PGPORT: String(access.port),
    PGUSER: access.user,
    PGDATABASE: access.database,
    PGPASSWORD: token,
    PGSSLMODE: "verify-full",
    PGSSLROOTCERT: to?.caFile ?? "system",
    ...(to ? { PGHOSTADDR: to.address } : {}),
  };
}
