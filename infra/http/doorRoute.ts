import type { FastifyInstance, FastifyRequest } from "fastify";
import { isRejection, reject } from "../../domain/rejection.ts";
import { mayEnter, misshapen, type OpenDoor } from "../ports/door.ts";
import { byOf, type Identities, type Identity } from "../ports/identity.ts";
import type { RateLimits } from "../ports/rateLimits.ts";
import type { AddressOf } from "./clientAddress.ts";
import { jsonLines, LINES, wantsLines } from "./lines.ts";
import { Refused, sendRejection } from "./refusal.ts";
import { idempotencyKey, identify, minPosition, misshapenPath, payloadOf, purposeOf } from "./request.ts";
import { METHODS, routeOf } from "./route.ts";
import type { traceOf } from "./trace.ts";

/** What routes run on. */
export interface RouteParts {
  readonly identities: Identities;
  readonly rateLimits: RateLimits;
  /** Resolves to false when the read models have not reached the position in time. */
  readonly waitFor: (position: number, timeoutMs: number) => Promise<boolean>;
  /** Resolves once sockets were told of all that the read models know. */
  readonly told: () => Promise<void>;
  readonly addressOf: AddressOf;
  readonly now: () => Date;
}

const MIN_POSITION_WAIT_MS = 2_000;

/** The HTTP route of a door. Signed in is asked before the body is read, its shape before the right to do it. */
export function addRoute(app: FastifyInstance, it: OpenDoor, parts: RouteParts): void {
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
      if (it.settles) {
        await parts.waitFor(positionIn(outcome.body), MIN_POSITION_WAIT_MS);
        await parts.told();
      }
      const status = outcome.status ?? it.status;
      if (outcome.file && it.file) {
        const { name, bytes } = outcome.file;
        return reply
          .code(status)
          .type(it.file)
          .header("content-disposition", `attachment; filename="${name}"`)
          .send(bytes);
      }
      if (it.lines && wantsLines(request)) return reply.code(status).type(LINES).send(jsonLines(outcome.body));
      return status === 204 ? reply.code(204).send() : reply.code(status).send(outcome.body);
    },
  });
}

const positionIn = (body: unknown): number =>
  typeof body === "object" && body !== null && "position" in body ? Number(body.position) : 0;

async function answer(it: OpenDoor, request: FastifyRequest, parts: RouteParts) {
  const identity = request.getDecorator<Identity | null>("identity");
  const raw = payloadOf(it, request);
  if (isRejection(raw)) return raw;
  const parsed = it.parse(raw);
  if (!parsed.success) return misshapenPath(parsed.error, request) ?? misshapen(parsed.error);
  const key = idempotencyKey(request);
  if (isRejection(key)) return key;
  const position = minPosition(it, request);
  if (isRejection(position)) return position;
  const purpose = purposeOf(it, request);
  if (isRejection(purpose)) return purpose;
  const forbidden = mayEnter(it, identity?.roles ?? []);
  if (forbidden) return forbidden;
  if (it.limit) {
    const allowance = await parts.rateLimits.take(it.limit, identity?.deviceId ?? parts.addressOf(request.raw));
    if (!allowance.ok)
      return { ...reject("rate-limited", "slow down"), retryAfterSeconds: allowance.retryAfterSeconds };
  }
  if (position !== undefined && !(await parts.waitFor(position, MIN_POSITION_WAIT_MS)))
    return { ...reject("projection-behind", "the read models are not there yet: ask again"), retryAfterSeconds: 1 };
  const { traceId, traceparent } = request.getDecorator<ReturnType<typeof traceOf>>("trace");
  const address = parts.addressOf(request.raw);
  return it.handle(
    parsed.data,
    byOf(identity, { now: parts.now(), correlationId: traceId, key, address, purpose, traceparent }),
  );
}

/** An address that is known answers every other method with 405 and the methods that it has. */
export function refuseOtherMethods(app: FastifyInstance, doors: readonly OpenDoor[]): void {
  const known = new Map<string, Set<string>>();
  for (const it of doors) {
    const { method, path } = routeOf(it);
    known.set(path, (known.get(path) ?? new Set()).add(method));
  }
  for (const [url, methods] of known) {
    const others = [...METHODS, "HEAD", "OPTIONS"].filter((method) => !methods.has(method));
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
