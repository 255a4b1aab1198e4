import type { FastifyReply, FastifyRequest } from "fastify";
import { type Rejection, reject } from "../../domain/rejection.ts";
import { LogUnavailable } from "../ports/eventLog.ts";
import { KeysUnavailable } from "../ports/secrets.ts";
import { isOutage } from "../postgres/outage.ts";
import { problemOf } from "./problem.ts";

/** A rejection where only an exception gets out: a hook, a parser. */
export class Refused extends Error {
  readonly rejection: Rejection;
  constructor(rejection: Rejection) {
    super(rejection.detail);
    this.rejection = rejection;
  }
}

export function sendRejection(reply: FastifyReply, rejection: Rejection): FastifyReply {
  const problem = problemOf(rejection, traceIdOf(reply.request));
  if (rejection.retryAfterSeconds !== undefined) reply.header("retry-after", String(rejection.retryAfterSeconds));
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  // As bytes: to a text the framework would add a charset, which this media type does not have.
  const body = Buffer.from(JSON.stringify(problem));
  return reply.code(problem.status).header("content-type", "application/problem+json").send(body);
}

/** A request whose address cannot be read is refused before it is given a trace, and has no such decorator. */
function traceIdOf(request: FastifyRequest): string | undefined {
  if (!("trace" in request)) return undefined;
  return request.getDecorator<{ traceId: string } | null>("trace")?.traceId;
}

export function rejectionOf(error: unknown, request: FastifyRequest): Rejection {
  if (error instanceof Refused) return error.rejection;
  const known = outageRejection(error, (what) =>
    request.log.error({ err: error, route: request.routeOptions.url }, `a request failed: ${what}`),
  );
  if (known) return known;
  const refused = frameworkRejection(error);
  if (refused.rejected === "unavailable")
    request.log.error({ err: error, route: request.routeOptions.url }, "a request failed");
  return refused;
}

/**
 * What an exception is to a client where it only says that a part of the installation cannot be asked now; else
 * undefined. What is wrong with the keys is for the operator: it names streams, people and files.
 */
export function outageRejection(error: unknown, log: (what: string) => void): Rejection | undefined {
  if (error instanceof LogUnavailable) return reject("unavailable", error.message);
  if (isOutage(error) || (error instanceof KeysUnavailable && isOutage(error.cause)))
    return reject("unavailable", "the database does not answer now: ask again");
  if (!(error instanceof KeysUnavailable)) return undefined;
  log(error.message);
  return reject("unavailable", "what is needed to read or write this cannot be had now: ask again");
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined;

/** What Fastify itself refuses, and what nobody foresaw. */
export function frameworkRejection(error: unknown): Rejection {
  switch (codeOf(error)) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return reject("too-large", "the body is larger than 256 KiB");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return reject("unsupported-media-type", "send application/json");
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return reject("not-found", "there is nothing here");
    // Its client went away before its body had come.
    case "ECONNRESET":
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return reject("validation-failed", "the body does not match its headers");
    default:
      return reject("unavailable", "something went wrong here; it was logged under this traceId");
  }
}
