import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { parseJson } from "../../domain/json.ts";
import { reject } from "../../domain/rejection.ts";
import type { OpenDoor } from "../ports/door.ts";
import { refuseBroken } from "./brokenRequest.ts";
import { addRoute, type RouteParts, refuseOtherMethods } from "./doorRoute.ts";
import { frameworkRejection, Refused, rejectionOf, sendRejection } from "./refusal.ts";
import { traceOf } from "./trace.ts";

const BODY_LIMIT_BYTES = 256 * 1024;
const HEADERS_TIMEOUT_MS = 8_000;
const ALWAYS_SENT = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** What the HTTP server runs on. */
export interface HttpParts extends RouteParts {
  readonly doors: readonly OpenDoor[];
  /** Whether a request that asks for another protocol gets it. */
  readonly mayUpgrade: (request: IncomingMessage) => boolean;
  readonly logger: FastifyBaseLogger;
}

/** An HTTP server with a route for each door. Health, metrics, documents and the gateway are added to it by others. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    http: {
      shouldUpgradeCallback: parts.mayUpgrade,
      // Whoever sends headers a byte at a time holds a connection for seconds, not for minutes.
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
    },
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false },
    clientErrorHandler: refuseBroken,
    frameworkErrors: (error, _request, reply) =>
      void sendRejection(reply.headers(ALWAYS_SENT), frameworkRejection(error)),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, bytes, done) => {
    if ((request.headers["content-encoding"] ?? "identity") !== "identity")
      return done(new Refused(reject("unsupported-media-type", "send the body as it is, not compressed")));
    if (bytes.length === 0) return done(null, undefined);
    if (Buffer.isBuffer(bytes) && !isUtf8(bytes))
      return done(new Refused(reject("validation-failed", "the body is not UTF-8")));
    const parsed = parseJson(bytes.toString());
    return "value" in parsed ? done(null, parsed.value) : done(new Refused(parsed));
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(ALWAYS_SENT);
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
