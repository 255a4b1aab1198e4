import type { Readable } from "node:stream";
import type { z } from "zod";
import type { By } from "../../domain/by.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { ServerRole } from "../../domain/tenant/events.ts";

/** What was done or found. `status` where it is not the door's own; `cookie`-less, JSON only. */
export interface Reply<Body> {
  readonly body: Body;
  readonly status?: number;
  /** Of a door that answers a file. */
  readonly file?: { readonly name: string; readonly bytes: Readable };
}

export type RateLimit = "sends" | "search" | "uploads" | "sign-in";

/**
 * One thing that clients can ask for. HTTP route, WebSocket command, OpenAPI page and SDK method are derived from
 * its declaration; `Parts` is what the folder that declares it runs on.
 */
export interface Door<Parts, Payload extends z.ZodType, Result extends z.ZodType> {
  /** PascalCase; the command's name on the socket, the operation's id in OpenAPI. */
  readonly name: string;
  /** Path parameters as in `/api/v1/conversations/:conversationId`; they, the query and the body make one payload. */
  readonly route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  readonly summary: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly access: "anyone" | "signed-in" | readonly ServerRole[];
  readonly limit?: RateLimit;
  /** Also a command on the WebSocket. */
  readonly socket: boolean;
  /** Answered only once the read models show what it did: whoever may see less sees less from its answer on. */
  readonly settles?: boolean;
  /** That it is used is written down, and a request may say why: header `Scripta-Purpose`, or `purpose` in the query. */
  readonly audited?: boolean;
  /** Whoever accepts `application/x-ndjson` gets its `items` as JSON lines. */
  readonly lines?: boolean;
  /** It answers a file of this content type, in `Reply.file`, rather than JSON. */
  readonly file?: string;
  /** A strict object. What is text in a path or a query is coerced by the schema itself. */
  readonly payload: Payload;
  readonly result: Result;
  run(payload: z.output<Payload>, by: By, parts: Parts): Promise<Reply<z.input<Result>> | Rejection>;
}

export const door = <Parts, Payload extends z.ZodType, Result extends z.ZodType>(it: Door<Parts, Payload, Result>) =>
  it;

/** A door without its types: what transports hold. Payloads come in as parsed, typed values only to `run` itself. */
export interface OpenDoor extends Pick<Door<never, z.ZodType, z.ZodType>, "name" | "route" | "summary" | "status"> {
  readonly access: "anyone" | "signed-in" | readonly ServerRole[];
  readonly limit?: RateLimit;
  readonly socket: boolean;
  readonly settles?: boolean;
  readonly audited?: boolean;
  readonly lines?: boolean;
  readonly file?: string;
  readonly payload: z.ZodType;
  readonly result: z.ZodType;
  /** Runs a payload that its own schema parsed. */
  handle(payload: unknown, by: By): Promise<Reply<unknown> | Rejection>;
  /** Parses, then nothing else: transports check the shape before the right. */
  parse(raw: unknown): z.ZodSafeParseResult<unknown>;
}

/** Closes a declaration over its parts and its types. */
export function openDoor<Parts, Payload extends z.ZodType, Result extends z.ZodType>(
  it: Door<Parts, Payload, Result>,
  parts: Parts,
): OpenDoor {
  const parsed = new WeakMap<object, z.output<Payload>>();
  return {
    ...it,
    parse(raw) {
      const result = it.payload.safeParse(raw);
      if (result.success && typeof result.data === "object" && result.data !== null)
        parsed.set(result.data, result.data);
      return result;
    },
    handle(payload, by) {
      const known = typeof payload === "object" && payload !== null ? parsed.get(payload) : undefined;
      return it.run(known ?? it.payload.parse(payload), by, parts);
    },
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The idempotency key that a text is, in lower case; undefined where it is none. */
export const idempotencyKeyIn = (text: string): string | undefined =>
  UUID.test(text) ? text.toLowerCase() : undefined;

/** Whether somebody of these roles may use the door; transports ask after the shape was checked. */
export const mayEnter = (it: OpenDoor, roles: readonly ServerRole[]): Rejection | undefined =>
  typeof it.access === "string" || it.access.some((role) => roles.includes(role))
    ? undefined
    : reject("forbidden", "this takes another role");

const isTooLarge = (issue: z.core.$ZodIssue): boolean => issue.code === "custom" && issue.params?.code === "too-large";

/** What is wrong with a payload, by path. Never its values: they may be personal. */
export function misshapen(error: z.ZodError): Rejection {
  const issues = error.issues.slice(0, 20);
  if (issues.length > 0 && issues.every(isTooLarge)) return reject("too-large", "a text has more bytes than it may");
  return {
    ...reject("validation-failed", "the request is not of the shape that it must have"),
    errors: issues.map((issue) => ({ path: issue.path.join("."), message: messageOf(issue) })),
  };
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "has fields that are not known";
    case "invalid_type":
      return `must be ${issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "too_small":
      return `must be at least ${issue.minimum}`;
    case "custom":
      return issue.message;
    default:
      return "is not of its form";
  }
}
