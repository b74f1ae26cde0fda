/** What the routes need of the handlers; declared beside the handlers, which may not import this folder. */
export type { ApiHandlers } from "../handlers/api-types.ts";
