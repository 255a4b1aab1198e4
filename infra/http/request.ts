import type { FastifyRequest } from "fastify";
import { faultInString } from "../../domain/json.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import { idempotencyKeyIn, type OpenDoor } from "../ports/door.ts";
import type { Identities, Identity } from "../ports/identity.ts";
import { routeOf } from "./route.ts";

/** Whose access token the request carries. */
export async function identify(request: FastifyRequest, identities: Identities): Promise<Identity | Rejection> {
  const [scheme, token, ...rest] = (request.headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0)
    return reject("unauthenticated", "send Authorization: Bearer and an access token");
  return identities.authenticate(token);
}

/** Whether a part of a path names something, which is there or is not. */
const isId = (name: string): boolean => name.endsWith("Id");

/** Path, query and body as one payload; a body must not name what the path names. */
export function payloadOf(it: OpenDoor, request: FastifyRequest): Record<string, unknown> | Rejection {
  const { method } = routeOf(it);
  const params = fieldsOf(request.params);
  const payload: Record<string, unknown> = { ...params };
  for (const [name, value] of Object.entries(params)) {
    const fault = typeof value === "string" && faultInString(value);
    if (fault) return isId(name) ? reject("not-found", "there is nothing here") : reject("validation-failed", fault);
  }
  if (method === "GET") {
    for (const [name, value] of Object.entries(fieldsOf(request.query))) {
      if (name === "minPosition" || (it.audited && name === "purpose")) continue;
      if (name in payload || Array.isArray(value)) return misnamed(name);
      const fault = typeof value === "string" && faultInString(value);
      if (fault) return reject("validation-failed", fault);
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
    const revision = ifMatch.replace(/^"(.*)"$/, "$1");
    if (!/^\d{1,16}$/.test(revision)) return reject("validation-failed", "If-Match must be a revision");
    payload.ifMatch = Number(revision);
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
export function misshapenPath(error: { issues: readonly { path: readonly PropertyKey[] }[] }, request: FastifyRequest) {
  const ids = Object.keys(fieldsOf(request.params)).filter(isId);
  return error.issues.some(({ path }) => path.length === 1 && ids.includes(String(path[0])))
    ? reject("not-found", "there is nothing here")
    : undefined;
}

export function idempotencyKey(request: FastifyRequest): string | undefined | Rejection {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  const found = typeof key === "string" ? idempotencyKeyIn(key) : undefined;
  return found ?? reject("validation-failed", "Idempotency-Key must be a UUID");
}

/** The position that a read must have reached; undefined where none is asked for. */
export function minPosition(it: OpenDoor, request: FastifyRequest): number | undefined | Rejection {
  const asked = request.headers["scripta-min-position"] ?? fieldsOf(request.query).minPosition;
  if (asked === undefined || !it.route.startsWith("GET")) return undefined;
  const position = typeof asked === "string" && /^\d{1,16}$/.test(asked) ? Number(asked) : Number.NaN;
  return Number.isSafeInteger(position) ? position : reject("validation-failed", "a position is an integer");
}

export const PURPOSE_CHARACTERS = 500;

/** Why it is asked for: percent-encoded UTF-8 in the header, or in the query; undefined where nothing is said. */
export function purposeOf(it: OpenDoor, request: FastifyRequest): string | undefined | Rejection {
  if (!it.audited) return undefined;
  const header = request.headers["scripta-purpose"];
  const asked = header ?? (it.route.startsWith("GET") ? fieldsOf(request.query).purpose : undefined);
  if (asked === undefined) return undefined;
  const purpose = typeof asked === "string" ? (header === undefined ? asked : percentDecoded(asked)) : undefined;
  if (purpose === undefined || purpose.trim() === "" || purpose.length > PURPOSE_CHARACTERS || faultInString(purpose))
    return reject("validation-failed", `a purpose is words, at most ${PURPOSE_CHARACTERS} characters, percent-encoded`);
  return purpose;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not UTF-8, or not encoded: the caller refuses it.
    return undefined;
  }
}
