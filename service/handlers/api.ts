import { createEnvironments } from "./api-environments.ts";
import { createLists } from "./api-lists.ts";
import { createSystem } from "./api-system.ts";
import { createTenants } from "./api-tenants.ts";
import { createTokens } from "./api-tokens.ts";
import type { ApiHandlers } from "./api-types.ts";
import type { ApiContext } from "./ports-api.ts";

/** Everything that the API's routes ask for. */
export function createApiHandlers(context: ApiContext): ApiHandlers {
  return {
    ...createTenants(context),
    ...createEnvironments(context),
    ...createTokens(context),
    ...createLists(context),
    ...createSystem(context),
  };
}
