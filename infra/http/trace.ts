import { randomBytes } from "node:crypto";

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace that a request belongs to: its own, where it names one. @see W3C Trace Context */
export function traceOf(header: unknown): { readonly traceId: string; readonly traceparent?: string } {
  const [traceparent, traceId] = (typeof header === "string" && TRACEPARENT.exec(header)) || [];
  return traceparent && traceId ? { traceId, traceparent } : { traceId: randomBytes(16).toString("hex") };
}
