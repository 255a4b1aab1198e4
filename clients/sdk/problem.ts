import type { Problem, ProblemCode } from "./contract.ts";

/** What the server refused, with the contract's code; or `network`: it was not reached, and nobody knows what it did. */
export class ScriptaError extends Error {
  override readonly name = "ScriptaError";
  readonly code: ProblemCode | "network";
  readonly status: number | undefined;
  readonly errors: Problem["errors"];
  readonly traceId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ProblemCode | "network",
    message: string,
    more: {
      readonly status?: number | undefined;
      readonly errors?: Problem["errors"];
      readonly traceId?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.code = code;
    this.status = more.status;
    this.errors = more.errors;
    this.traceId = more.traceId;
    this.retryAfterMs = more.retryAfterMs;
  }

  /** The same request may succeed later, with nothing changed by whoever asks. */
  get passing(): boolean {
    return ["network", "rate-limited", "projection-behind", "unavailable"].includes(this.code);
  }
}

export const isScriptaError = (error: unknown): error is ScriptaError => error instanceof ScriptaError;
