// service/action/run.ts
import { readFile } from "node:fs/promises";

// service/client/databases.ts
function tenantsOf(request) {
  const call = callsOf(request, "/v1/tenants");
  return {
    ...shared(request, "/v1/tenants"),
    /** Makes the customer's database, or leaves it as it is: the same key never makes a second one. */
    put: (key, put = {}, { wait, ...more } = {}) => call("PUT", [key], { ...more, body: put, query: { wait } }),
    patch: (key, patch, more = {}) => call("PATCH", [key], { ...more, body: patch }),
    /** Refused as `protected` until `patch(key, {protected: false})`. Restorable within its grace. */
    delete: (key, { wait, ...more } = {}) => call("DELETE", [key], { ...more, query: { confirm: key, wait } }),
    /** The whole schema as migration files; those that were applied must not change. */
    migrate: (key, migrations, { wait, ...more } = {}) => call("PUT", [key, "migrations"], { ...more, body: migrations, query: { wait } }),
    list: ({ labels, limit, cursor, ...more } = {}) => call("GET", [], { ...more, query: { ...labelQuery(labels), limit, cursor } }),
    /** Every match, page by page. */
    all(filter = {}) {
      return allPages((cursor) => this.list({ ...filter, cursor }));
    }
  };
}
function environmentsOf(request) {
  const call = callsOf(request, "/v1/environments");
  return {
    ...shared(request, "/v1/environments"),
    /** A database for a git branch. */
    create: (create, { wait, ...more } = {}) => call("POST", [], { ...more, body: create, query: { wait } }),
    keep: (id, until, more = {}) => call("POST", [id, "keep"], { ...more, body: { until: until.toISOString() } }),
    reset: (id, { wait, ...more } = {}) => call("POST", [id, "reset"], { ...more, query: { wait } }),
    /** Pull requests and git branches only; a customer's is deleted by its key. */
    destroy: (id, { wait, ...more } = {}) => call("DELETE", [id], { ...more, query: { wait } }),
    list({
      labels,
      signal,
      idempotencyKey: _,
      ...filter
    } = {}) {
      const query = { ...labelQuery(labels), ...filter };
      return call("GET", [], { ...signal && { signal }, query });
    },
    /** Every match, page by page. */
    all(filter = {}) {
      return allPages((cursor) => this.list({ ...filter, cursor }));
    }
  };
}
function shared(request, base) {
  const call = callsOf(request, base);
  const events = (name, { limit, cursor, ...more } = {}) => call("GET", [name, "events"], { ...more, query: { limit, cursor } });
  return {
    get: (name, { wait, ...more } = {}) => call("GET", [name], { ...more, query: { wait } }),
    /** Brings the data back while it is kept. */
    restore: (name, { wait, ...more } = {}) => call("POST", [name, "restore"], { ...more, query: { wait } }),
    /** Access for a while. `environment` of the answer holds libpq's variables. */
    token: (name, token = {}, more = {}) => call("POST", [name, "token"], { ...more, body: token }),
    /** History, the oldest first. */
    events,
    allEvents: (name, options = {}) => allPages((cursor) => events(name, { ...options, cursor }))
  };
}
function callsOf(request, base) {
  return (method, parts, more) => request({ ...more, method, path: [base, ...parts.map(encodeURIComponent)].join("/") });
}
function labelQuery(labels = {}) {
  return { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
}
async function* allPages(page) {
  for (let cursor = null; ; ) {
    const { items, nextCursor } = await page(cursor);
    yield* items;
    if (nextCursor === null) return;
    cursor = nextCursor;
  }
}

// service/client/error.ts
var OffshootError = class extends Error {
  status;
  reason;
  detail;
  /** What the operator finds in the service's log; null if no answer came. */
  requestId;
  constructor(problem, options) {
    super(problem.detail, options);
    this.name = "OffshootError";
    this.status = problem.status;
    this.reason = problem.reason;
    this.detail = problem.detail;
    this.requestId = problem.requestId ?? null;
  }
};

// service/client/request.ts
var TRIES_MAX = 4;
var BACKOFF_FIRST_MS = 250;
var RETRY_AFTER_MAX_MS = 6e4;
var ANSWER_TIMEOUT_MS = 6e4;
var SHOWN_CHARACTERS = 200;
var REPEATED_STATUS = /* @__PURE__ */ new Set([429, 502, 503, 504]);
var NOT_CONFIGURED = /_missing$/;
function createRequester(options) {
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? globalThis.fetch;
  return async (call) => {
    const url = base + call.path + queryText(call.query ?? {});
    const key = call.method === "GET" ? null : call.idempotencyKey ?? newKey();
    for (let tries = 1; ; tries += 1) {
      const credential = call.anonymous ? null : await credentialOf(options);
      const request = requestOf(options, call, key, credential);
      const outcome = await attempt(send, url, request);
      if (outcome.kind === "done") return outcome.body;
      const pause = tries < TRIES_MAX ? pauseMs(call, outcome, tries) : null;
      if (pause === null || call.signal?.aborted) throw outcome.error;
      await sleep(pause, call.signal);
    }
  };
}
async function attempt(send, url, request) {
  let response;
  let text;
  try {
    response = await send(url, request);
    text = await response.text();
  } catch (cause) {
    if (request.signal?.aborted && !isTimeout(request.signal)) throw cause;
    return { kind: "failed", error: unreachable(url, cause), retryAfterMs: null };
  }
  const body = parse(text);
  if (response.ok && body !== void 0) return { kind: "done", body };
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(after) && after >= 0 ? after * 1e3 : null;
  return { kind: "failed", error: problemOf(response, body, text), retryAfterMs };
}
function pauseMs(call, failed, tries) {
  const { error, retryAfterMs } = failed;
  const lost = error.reason === "unreachable";
  if (lost && call.repeatable === false) return null;
  if (!lost && !REPEATED_STATUS.has(error.status)) return null;
  if (NOT_CONFIGURED.test(error.reason)) return null;
  if (retryAfterMs !== null) return retryAfterMs <= RETRY_AFTER_MAX_MS ? retryAfterMs : null;
  return BACKOFF_FIRST_MS * 2 ** (tries - 1) * (0.5 + Math.random());
}
function requestOf({ userAgent }, call, key, credential) {
  const headers = { accept: "application/json" };
  if (userAgent) headers["user-agent"] = userAgent;
  if (credential) headers["authorization"] = `Bearer ${credential}`;
  if (key) headers["idempotency-key"] = key;
  if (call.ifMatch !== void 0) headers["if-match"] = `"${call.ifMatch}"`;
  if (call.body) headers["content-type"] = "application/json";
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  return {
    method: call.method,
    headers,
    // A credential goes to the service only, never to where an answer points.
    redirect: "error",
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
    ...call.body && { body: JSON.stringify(call.body) }
  };
}
async function credentialOf(options) {
  return options.getCredential ? options.getCredential() : options.credential ?? null;
}
function problemOf(response, body, text) {
  const { reason, detail, requestId } = Object(body);
  const { status } = response;
  if (typeof reason === "string" && typeof detail === "string") {
    const id = typeof requestId === "string" ? requestId : response.headers.get("x-request-id");
    return new OffshootError({ status, reason, detail, requestId: id });
  }
  const shown = text.slice(0, SHOWN_CHARACTERS);
  const what = `${new URL(response.url || "http://-").origin} answered ${status} without JSON of Offshoot's API`;
  return new OffshootError({
    status,
    reason: "bad_answer",
    detail: `${what}: ${shown}. Check that the address is that of an Offshoot service.`
  });
}
function unreachable(url, cause) {
  const { origin } = new URL(url);
  const inner = Object(cause).cause ?? cause;
  const why = Object(inner).code ?? Object(inner).message ?? String(inner);
  const detail = `${origin} does not answer (${why}). Check the address and the network, and try again.`;
  return new OffshootError({ status: 0, reason: "unreachable", detail }, { cause });
}
function queryText(query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === void 0 || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return void 0;
  }
}
function isTimeout(signal) {
  return Object(signal.reason).name === "TimeoutError";
}
function newKey() {
  return Array.from(
    globalThis.crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")
  ).join("");
}
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

// service/client/job.ts
var APPEARS_SECONDS = 60;
var LOOK_AGAIN_MS = 2e3;
var ENDED = /* @__PURE__ */ new Set(["skipped", "closed", "retired", "destroyed"]);
function hasEnded({ phase }) {
  return ENDED.has(phase);
}
async function headShaOf(env, readText) {
  const file = env["GITHUB_EVENT_PATH"];
  if (env["GITHUB_EVENT_NAME"] !== "pull_request" || !file) return null;
  try {
    const event = JSON.parse(await readText(file));
    const { sha } = Object(Object(Object(event)["pull_request"])["head"]);
    if (typeof sha === "string") return sha;
  } catch (cause) {
    throw badEvent(file, cause instanceof SyntaxError ? "is no JSON" : `cannot be read (${codeOf(cause)})`);
  }
  throw badEvent(file, "names no commit");
}
function badEvent(file, what) {
  const next = "In a container, mount it; if any commit's database will do, run the command without GITHUB_EVENT_PATH.";
  const detail = `The file of this job's event, ${file}, ${what}. ${next}`;
  return new OffshootError({ status: 0, reason: "bad_event", detail });
}
function codeOf(error) {
  return String(Object(error).code ?? Object(error).message ?? error);
}
async function ownEnvironments(list, { headSha, database, seconds = APPEARS_SECONDS, onLook }) {
  const until = Date.now() + Math.min(seconds, APPEARS_SECONDS) * 1e3;
  for (; ; ) {
    const { items } = await list();
    const fitting = items.filter(({ owner }) => database === void 0 || owner.database === database);
    const [found = null, ...others] = fitting;
    if (others.length > 0 || found && isOfCommit(found, headSha)) return fitting;
    if (Date.now() + LOOK_AGAIN_MS > until) {
      if (found && !hasEnded(found)) throw otherCommit(found, headSha);
      return fitting;
    }
    onLook?.(found);
    await sleep(LOOK_AGAIN_MS);
  }
}
function isOfCommit(environment, headSha) {
  const { owner, phase, migrations } = environment;
  if (headSha === null || owner.kind !== "pull" || phase === "skipped") return true;
  return migrations.digest === headSha && !hasEnded(environment);
}
function otherCommit({ id, migrations }, headSha) {
  const at = `${migrations.digest.slice(0, 7)}, and this job is for ${headSha?.slice(0, 7)}`;
  const detail = `The database ${id} is at ${at}. Run the job of the latest commit.`;
  return new OffshootError({ status: 0, reason: "other_commit", detail });
}

// service/client/wait.ts
var WAIT_SECONDS_MAX = 30;
var LOOK_AGAIN_MS2 = 500;
var WAIT_SECONDS = 600;
async function waitForOperation(request, operation, { seconds = WAIT_SECONDS, ...options }) {
  const path = `/v1/operations/${encodeURIComponent(operation.id)}`;
  const ended = await untilEnded(
    operation,
    seconds,
    (wait) => request({ ...options, method: "GET", path, query: { wait } }),
    ({ status }) => status !== "running",
    ({ phase }) => `The ${operation.kind} of ${operation.environmentId} is still ${phase}`,
    options.signal
  );
  if (ended.status === "succeeded") return ended;
  throw new OffshootError({
    status: 0,
    reason: ended.failure?.reason ?? ended.status,
    detail: ended.failure?.message ?? `The ${ended.kind} was ${ended.status} by a newer request.`
  });
}
function waitUntilSettled(request, environment, { seconds = WAIT_SECONDS, onChange, ...options }) {
  const path = `/v1/environments/${encodeURIComponent(environment.id)}`;
  let told = "";
  const tell = (now) => {
    if (now.phase !== told) onChange?.(now);
    told = now.phase;
    return now;
  };
  return untilEnded(
    tell(environment),
    seconds,
    async (wait) => tell(await request({ ...options, method: "GET", path, query: { wait } })),
    ({ settled }) => settled,
    ({ phase, id }) => `The database ${id} is still ${phase}`,
    options.signal
  );
}
async function untilEnded(first, seconds, look, isEnded, saying, signal) {
  const deadline = Date.now() + seconds * 1e3;
  for (let now = first; ; ) {
    if (isEnded(now)) return now;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      const detail = `${saying(now)} after ${seconds} s. Wait longer, or look at its events.`;
      throw new OffshootError({ status: 0, reason: "timeout", detail });
    }
    const began = Date.now();
    now = await look(`${Math.min(WAIT_SECONDS_MAX, Math.ceil(leftMs / 1e3))}s`);
    const early = LOOK_AGAIN_MS2 - (Date.now() - began);
    if (!isEnded(now) && early > 0) await sleep(Math.min(early, Math.max(0, deadline - Date.now())), signal);
  }
}

// service/client/oidc.ts
var RENEW_MS = 6e4;
var TRIES_MAX2 = 3;
var PAUSE_MS = 1e3;
var ANSWER_TIMEOUT_MS2 = 3e4;
function jobCredential(options) {
  let session = null;
  return async () => {
    if (!session || Date.parse(session.expiresAt) - Date.now() < RENEW_MS) session = await exchange(options);
    return session.credential;
  };
}
async function exchange(options) {
  const { url, fetch, userAgent } = options;
  const request = createRequester({ url, ...fetch && { fetch }, ...userAgent && { userAgent } });
  for (let tries = 1; ; tries += 1) {
    try {
      const oidcToken = await oidcTokenOf(options);
      options.onSecret?.(oidcToken);
      const session = await request({
        method: "POST",
        path: "/v1/sessions",
        body: { oidcToken },
        anonymous: true,
        repeatable: false
      });
      options.onSecret?.(session.credential);
      return session;
    } catch (error) {
      const again = error instanceof OffshootError && ["unreachable", "oidc_replayed"].includes(error.reason);
      if (!again || tries >= TRIES_MAX2) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
async function oidcTokenOf(options) {
  const { requestUrl, requestToken, url, audience = url, fetch = globalThis.fetch } = options;
  const address = new URL(requestUrl);
  address.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${requestToken}`, accept: "application/json" };
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS2);
  let status = 0;
  try {
    const response = await fetch(address, { headers, signal });
    status = response.status;
    const { value } = await response.json();
    if (response.ok && typeof value === "string" && value !== "") return value;
  } catch {
  }
  throw new OffshootError({
    status,
    reason: status === 0 || status >= 500 ? "unreachable" : "oidc_refused",
    detail: `GitHub Actions gave no OIDC token (status ${status}). The job needs \`permissions: { id-token: write }\`.`
  });
}

// service/client/client.ts
function createClient(options) {
  const request = createRequester(options);
  const environments = environmentsOf(request);
  return {
    url: options.url,
    /** One database per customer, by your own key. */
    tenants: tenantsOf(request),
    /** All databases, of pull requests, git branches and customers. */
    environments,
    /** For a CI job: the databases of its own place, at its own commit. */
    own: (own) => ownEnvironments(() => environments.list(), own),
    operation: (id, { wait, ...more } = {}) => request({
      ...more,
      method: "GET",
      path: `/v1/operations/${encodeURIComponent(id)}`,
      query: { wait }
    }),
    /** Waits for what a request began; nothing to wait for is done at once. Throws what it failed with. */
    async waitFor(begun, wait = {}) {
      const operation = "operation" in begun ? begun.operation : begun;
      return operation && waitForOperation(request, operation, wait);
    },
    /** Waits until a database is ready, or rests otherwise, as the service says (`settled`). */
    settled: (environment, wait = {}) => waitUntilSettled(request, environment, wait),
    slots: (more = {}) => request({ ...more, method: "GET", path: "/v1/slots" }),
    regions: async (more = {}) => (await request({ ...more, method: "GET", path: "/v1/regions" })).items,
    /** Who the credential belongs to, as the service sees it. */
    self: (more = {}) => request({ ...more, method: "GET", path: "/v1/self" }),
    /** The OpenAPI document of the service. */
    openapi: (more = {}) => request({
      ...more,
      method: "GET",
      path: "/v1/openapi.json",
      anonymous: true
    }),
    sessions: {
      /** A CI job's OIDC token, whose audience is the service's address, becomes a session. A token is good once. */
      create: (oidcToken, more = {}) => request({
        ...more,
        method: "POST",
        path: "/v1/sessions",
        body: { oidcToken },
        anonymous: true,
        repeatable: false
      })
    },
    login: {
      /** Begins to sign a person in with GitHub: show `userCode` and `verificationUri`, then poll. */
      begin: (more = {}) => request({ ...more, method: "POST", path: "/v1/login", body: {}, anonymous: true }),
      poll: (deviceCode, more = {}) => request({
        ...more,
        method: "POST",
        path: "/v1/login/poll",
        body: { deviceCode },
        anonymous: true,
        repeatable: false
      })
    }
  };
}

// service/action/run.ts
var WAIT_SECONDS2 = 600;
var WAIT_SECONDS_MAX2 = 6 * 3600;
var TOKEN_SECONDS = 3600;
var NONE_REASONS = ["oidc_fork", "oidc_closed"];
async function run(runner2) {
  const inputs = inputsOf(runner2);
  const requestUrl = runner2.env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const requestToken = runner2.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  if (!requestUrl || !requestToken) return skip(runner2, noIdentityText(runner2));
  const { url, audience } = inputs;
  const userAgent = "offshoot-action";
  const onSecret = (secret) => runner2.mask(secret);
  const getCredential = jobCredential({ url, audience, requestUrl, requestToken, userAgent, onSecret });
  const client = createClient({ url, getCredential, userAgent });
  try {
    const environment = await untilReady(runner2, client, inputs);
    if (environment) await giveAccess(runner2, client, environment, inputs);
  } catch (error) {
    const none = error instanceof OffshootError && NONE_REASONS.includes(error.reason);
    if (!none) throw error;
    await skip(runner2, error.detail);
  }
}
function inputsOf(runner2) {
  const url = runner2.input("url").replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url)) throw new Error("Input url: give the address of the Offshoot service.");
  const role = runner2.input("role") || "owner";
  if (role !== "owner" && role !== "reader") throw new Error("Input role: owner or reader.");
  const given = runner2.input("wait-seconds");
  const waitSeconds = given === "" ? WAIT_SECONDS2 : Number(given);
  if (!(Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= WAIT_SECONDS_MAX2))
    throw new Error(`Input wait-seconds: a whole number up to ${WAIT_SECONDS_MAX2}.`);
  return {
    url,
    role,
    waitSeconds,
    audience: runner2.input("audience") || url,
    database: runner2.input("database")
  };
}
async function untilReady(runner2, client, inputs) {
  const deadline = Date.now() + inputs.waitSeconds * 1e3;
  const found = await appeared(runner2, client, inputs);
  if (!found) {
    await skip(runner2, "Offshoot has no database for this place.");
    return null;
  }
  const seconds = Math.max(0, (deadline - Date.now()) / 1e3);
  const onChange = ({ phase: phase2, id }) => runner2.info(`${id}: ${phase2}`);
  const settled = hasEnded(found) ? found : await client.settled(found, { seconds, onChange });
  if (settled.phase === "ready") return settled;
  if (hasEnded(settled)) {
    await skip(runner2, `The database is ${settled.phase} (${settled.reason}).`);
    return null;
  }
  const { failure, phase } = settled;
  const file = failure?.file ? ` ${failure.file}${failure.line ? `:${failure.line}` : ""}` : "";
  throw new Error(
    `The database is ${phase}${file}: ${failure?.message ?? "see the pull request's comment."}`
  );
}
async function appeared(runner2, client, { database, waitSeconds }) {
  const fitting = await client.own({
    headSha: await headShaOf(runner2.env, (path) => readFile(path, "utf8")),
    database: database === "" ? void 0 : database,
    seconds: waitSeconds,
    onLook: (found2) => runner2.info(
      found2 ? `${found2.id} is not at this commit yet; looking again` : "No database yet; looking again"
    )
  });
  const [found = null, ...others] = fitting;
  if (others.length === 0) return found;
  const names = fitting.map(({ owner }) => owner.database).join(", ");
  throw new Error(`There are several databases: ${names}. Choose one by the input database.`);
}
async function giveAccess(runner2, client, environment, { role }) {
  const token = await client.environments.token(environment.id, { role, seconds: TOKEN_SECONDS });
  runner2.mask(token.token);
  for (const [name, value] of Object.entries(variablesOf(token))) await runner2.exportVariable(name, value);
  await runner2.setOutput("skipped", "false");
  await runner2.setOutput("environment-id", environment.id);
  await runner2.setOutput("host", token.host);
  await runner2.setOutput("user", token.user);
  await runner2.setOutput("database", token.database);
  runner2.info(`Ready: ${token.host} as ${token.user}, until ${token.expiresAt}`);
}
function variablesOf(token) {
  const { connectTo } = token;
  const given = Object.entries(token.environment).filter(([name]) => /^PG[A-Z]{1,30}$/.test(name));
  return {
    PGSSLMODE: "verify-full",
    ...Object.fromEntries(given),
    PGHOST: token.host,
    PGPORT: String(connectTo?.port ?? token.port),
    PGUSER: token.user,
    PGDATABASE: token.database,
    PGPASSWORD: token.token,
    ...connectTo && { PGHOSTADDR: connectTo.address, PGSSLROOTCERT: connectTo.caFile }
  };
}
async function skip(runner2, why) {
  runner2.notice(`Skipped: ${why}`);
  await runner2.setOutput("skipped", "true");
}
function noIdentityText({ env }) {
  return `this ${env["GITHUB_EVENT_NAME"] ?? "job"} has no OIDC token. A pull request from a fork never has one; other jobs need \`permissions: { id-token: write }\`.`;
}

// service/action/runner.ts
import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { EOL } from "node:os";
function createRunner(env, write) {
  const command = (name, text) => write(`::${name}::${escaped(text)}`);
  return {
    env,
    input: (name) => (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim(),
    exportVariable: (name, value) => addTo(env, "GITHUB_ENV", name, value),
    setOutput: (name, value) => addTo(env, "GITHUB_OUTPUT", name, value),
    mask(secret) {
      for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") command("add-mask", line);
    },
    // Text from outside must not begin a line with a command.
    info: (text) => write(text.replaceAll(/[\r\n]+/g, " ").replace(/^\s*::/, " : :")),
    notice: (text) => command("notice title=Offshoot", text),
    error: (text) => command("error title=Offshoot", text)
  };
}
async function addTo(env, file, name, value) {
  const path = env[file];
  if (!path) throw new Error(`${file} is not set: this runs in a job of GitHub Actions only.`);
  const delimiter = `offshoot_${randomUUID()}`;
  if (value.includes(delimiter)) throw new Error("A value contains a delimiter that was made a moment ago.");
  await appendFile(path, `${name}<<${delimiter}${EOL}${value}${EOL}${delimiter}${EOL}`);
}
function escaped(text) {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

// service/action/main.ts
var runner = createRunner(process.env, (line) => process.stdout.write(`${line}
`));
run(runner).catch((error) => {
  runner.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
