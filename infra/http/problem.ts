import { randomUUID } from "node:crypto";
import type { Rejection, RejectionCode } from "../../domain/rejection.ts";

/** The one table from codes to statuses and titles. */
export const problems: Readonly<Record<RejectionCode, { readonly status: number; readonly title: string }>> = {
  "validation-failed": { status: 400, title: "The request is not of the shape that it must have" },
  unauthenticated: { status: 401, title: "A valid access token is needed" },
  forbidden: { status: 403, title: "Not allowed" },
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "This method is not for this address" },
  conflict: { status: 409, title: "It conflicts with what is there" },
  held: { status: 409, title: "A legal hold stands against it" },
  gone: { status: 410, title: "It was deleted" },
  erased: { status: 410, title: "It was erased" },
  "too-large": { status: 413, title: "Too large" },
  "unsupported-media-type": { status: 415, title: "This media type is not accepted" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "projection-behind": { status: 503, title: "The read model has not reached that position yet" },
  unavailable: { status: 503, title: "Not available now" },
};

/** @see RFC 9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: RejectionCode;
  readonly detail?: string;
  readonly errors?: Rejection["errors"];
  readonly traceId: string;
}

export function problemOf(rejection: Rejection, traceId: string = randomUUID()): Problem {
  const { status, title } = problems[rejection.rejected];
  return {
    type: `urn:scripta:problem:${rejection.rejected}`,
    title,
    status,
    code: rejection.rejected,
    // What is not there and what one may not know of read alike.
    ...(rejection.rejected === "not-found" ? {} : { detail: rejection.detail }),
    ...(rejection.errors ? { errors: rejection.errors } : {}),
    traceId,
  };
}

export const rejectionCodes = Object.keys(problems);
