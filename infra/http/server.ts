import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { By } from "../../domain/by.ts";
import { faultInString, parseJson } from "../../domain/json.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { mayEnter, misshapen, type OpenDoor } from "../ports/door.ts";
import { LogUnavailable } from "../ports/eventLog.ts";
import type { Identities, Identity } from "../ports/identity.ts";
import type { RateLimits } from "../ports/rateLimits.ts";
import { KeysUnavailable } from "../ports/secrets.ts";
import { problemOf } from "./problem.ts";
import { traceOf } from "./trace.ts";

const BODY_LIMIT_BYTES = 256 * 1024;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What the HTTP server runs on. */
export interface HttpParts {
  readonly doors: readonly OpenDoor[];
  readonly identities: Identities;
  readonly rateLimits: RateLimits;
  /** Resolves to false when the read models have not reached the position in time. */
  readonly waitFor: (position: number, timeoutMs: number) => Promise<boolean>;
  readonly now: () => Date;
  readonly logger: FastifyBaseLogger;
}

const MIN_POSITION_WAIT_MS = 2_000;

/** An HTTP server with a route for each door. Health, metrics, documents and the gateway are added to it by others. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    loggerInstance: parts.logger,
    disableRequestLogging: true,
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false },
    frameworkErrors: (error, _request, reply) => void sendRejection(reply, frameworkRejection(error)),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    if (text.length === 0) return done(null, undefined);
    const parsed = parseJson(text.toString());
    return "value" in parsed ? done(null, parsed.value) : done(new Refused(parsed));
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    const trace = traceOf(request.headers.traceparent);
    request.setDecorator("trace", trace);
  });
  app.decorateRequest("trace", null);
  app.decorateRequest("identity", null);
  app.setNotFoundHandler((_request, reply) => sendRejection(reply, reject("not-found", "there is nothing here")));
  app.setErrorHandler((error, request, reply) => sendRejection(reply, rejectionOf(error, request)));
  for (const it of parts.doors) addRoute(app, it, parts);
  refuseOtherMethods(app, parts.doors);
  return app;
}

class Refused extends Error {
  readonly rejection: Rejection;
  constructor(rejection: Rejection) {
    super(rejection.detail);
    this.rejection = rejection;
  }
}

function addRoute(app: FastifyInstance, it: OpenDoor, parts: HttpParts): void {
  const { method, path } = routeOf(it);
  app.route({
    method,
    url: path,
    onRequest: async (request) => {
      if (it.access === "anyone") return;
      const identity = await identify(request, parts.identities);
      if (isRejection(identity)) throw new Refused(identity);
      request.setDecorator("identity", identity);
    },
    handler: async (request, reply) => {
      const outcome = await answer(it, request, parts);
      if (isRejection(outcome)) return sendRejection(reply, outcome);
      const status = outcome.status ?? it.status;
      return status === 204 ? reply.code(204).send() : reply.code(status).send(outcome.body);
    },
  });
}

async function answer(it: OpenDoor, request: FastifyRequest, parts: HttpParts) {
  const identity = request.getDecorator<Identity | null>("identity");
  const raw = payloadOf(it, request);
  if (isRejection(raw)) return raw;
  const parsed = it.parse(raw);
  if (!parsed.success) return misshapenPath(parsed.error, request) ?? misshapen(parsed.error);
  const key = idempotencyKey(request);
  if (isRejection(key)) return key;
  const forbidden = mayEnter(it, identity?.roles ?? []);
  if (forbidden) return forbidden;
  if (it.limit) {
    const allowance = await parts.rateLimits.take(it.limit, identity?.deviceId ?? request.ip);
    if (!allowance.ok)
      return { ...reject("rate-limited", "slow down"), retryAfterSeconds: allowance.retryAfterSeconds };
  }
  const behind = await waitForPosition(it, request, parts);
  if (behind) return behind;
  const { traceId, traceparent } = request.getDecorator<ReturnType<typeof traceOf>>("trace");
  const by: By = {
    tenant: identity?.tenant ?? "",
    userId: identity?.userId ?? "",
    deviceId: identity?.deviceId ?? null,
    roles: identity?.roles ?? [],
    guest: identity?.guest ?? false,
    now: parts.now(),
    ...(key === undefined ? {} : { key }),
    address: request.ip,
    correlationId: traceId,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  return it.handle(parsed.data, by);
}

async function identify(request: FastifyRequest, identities: Identities): Promise<Identity | Rejection> {
  const [scheme, token, ...rest] = (request.headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0)
    return reject("unauthenticated", "send Authorization: Bearer and an access token");
  return identities.authenticate(token);
}

/** Path, query and body as one payload; a body must not name what the path names. */
function payloadOf(it: OpenDoor, request: FastifyRequest): Record<string, unknown> | Rejection {
  const { method } = routeOf(it);
  const params = fieldsOf(request.params);
  const payload: Record<string, unknown> = { ...params };
  for (const value of Object.values(params))
    if (typeof value === "string" && faultInString(value)) return reject("not-found", "there is nothing here");
  if (method === "GET") {
    for (const [name, value] of Object.entries(fieldsOf(request.query))) {
      if (name === "minPosition") continue;
      if (name in payload || Array.isArray(value)) return misnamed(name);
      payload[name] = value;
    }
    return payload;
  }
  const { body } = request;
  if (body !== undefined && body !== null && (typeof body !== "object" || Array.isArray(body)))
    return reject("validation-failed", "the body must be an object");
  for (const [name, value] of Object.entries(fieldsOf(body))) {
    if (name in payload || name === "ifMatch") return misnamed(name);
    payload[name] = value;
  }
  const ifMatch = request.headers["if-match"];
  if (ifMatch !== undefined && method === "PATCH") {
    const revision = Number(ifMatch.replace(/^"(.*)"$/, "$1"));
    if (!Number.isSafeInteger(revision)) return reject("validation-failed", "If-Match must be a revision");
    payload.ifMatch = revision;
  }
  return payload;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};

const misnamed = (name: string): Rejection => ({
  ...reject("validation-failed", "the request is not of the shape that it must have"),
  errors: [{ path: name, message: "is not a known field here" }],
});

/** A path that cannot name anything: it is not found, whatever else is wrong. */
function misshapenPath(error: { issues: readonly { path: readonly PropertyKey[] }[] }, request: FastifyRequest) {
  const ids = Object.keys(fieldsOf(request.params)).filter((name) => name.endsWith("Id"));
  return error.issues.some(({ path }) => path.length === 1 && ids.includes(String(path[0])))
    ? reject("not-found", "there is nothing here")
    : undefined;
}

function idempotencyKey(request: FastifyRequest): string | undefined | Rejection {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  return typeof key === "string" && UUID.test(key)
    ? key.toLowerCase()
    : reject("validation-failed", "Idempotency-Key must be a UUID");
}

async function waitForPosition(it: OpenDoor, request: FastifyRequest, parts: HttpParts) {
  const asked = request.headers["scripta-min-position"] ?? fieldsOf(request.query).minPosition;
  if (asked === undefined || !it.route.startsWith("GET")) return undefined;
  const position = typeof asked === "string" && /^\d{1,16}$/.test(asked) ? Number(asked) : Number.NaN;
  if (!Number.isSafeInteger(position)) return reject("validation-failed", "a position is an integer");
  if (await parts.waitFor(position, MIN_POSITION_WAIT_MS)) return undefined;
  return { ...reject("projection-behind", "the read models are not there yet: ask again"), retryAfterSeconds: 1 };
}

function refuseOtherMethods(app: FastifyInstance, doors: readonly OpenDoor[]): void {
  const known = new Map<string, Set<string>>();
  for (const it of doors) {
    const { method, path } = routeOf(it);
    known.set(path, (known.get(path) ?? new Set()).add(method));
  }
  for (const [url, methods] of known) {
    const others = METHODS.filter((method) => !methods.has(method));
    if (others.length === 0) continue;
    app.route({
      method: others,
      url,
      handler: (_request, reply) => {
        reply.header("allow", [...methods].join(", "));
        return sendRejection(reply, reject("method-not-allowed", "this method is not for this address"));
      },
    });
  }
}

const isMethod = (word: string): word is (typeof METHODS)[number] => METHODS.some((method) => method === word);

export function routeOf(it: Pick<OpenDoor, "route">): { method: (typeof METHODS)[number]; path: string } {
  const [method = "", path = ""] = it.route.split(" ");
  if (!isMethod(method)) throw new Error(`${it.route} has no method that is known`);
  return { method, path };
}

export function sendRejection(reply: FastifyReply, rejection: Rejection): FastifyReply {
  const { traceId } = reply.request.getDecorator<{ traceId: string } | null>("trace") ?? {};
  const problem = problemOf(rejection, traceId);
  if (rejection.retryAfterSeconds !== undefined) reply.header("retry-after", String(rejection.retryAfterSeconds));
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return reply.code(problem.status).header("content-type", "application/problem+json").send(JSON.stringify(problem));
}

function rejectionOf(error: unknown, request: FastifyRequest): Rejection {
  if (error instanceof Refused) return error.rejection;
  if (error instanceof LogUnavailable || error instanceof KeysUnavailable) return reject("unavailable", error.message);
  const known = frameworkRejection(error);
  if (known.rejected === "unavailable")
    request.log.error({ err: error, route: request.routeOptions.url }, "a request failed");
  return known;
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined;

/** What Fastify itself refuses, and what nobody foresaw. */
function frameworkRejection(error: unknown): Rejection {
  switch (codeOf(error)) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return reject("too-large", "the body is larger than 256 KiB");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return reject("unsupported-media-type", "send application/json");
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return reject("not-found", "there is nothing here");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return reject("validation-failed", "the body does not match its headers");
    default:
      return reject("unavailable", "something went wrong here; it was logged under this traceId");
  }
}
