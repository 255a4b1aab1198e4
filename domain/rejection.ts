/** Why something was refused: a value that whoever asked is told, not an exception. Its codes are the contract's. */
export type RejectionCode =
  | "validation-failed"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "conflict"
  | "held"
  | "gone"
  | "erased"
  | "too-large"
  | "unsupported-media-type"
  | "rate-limited"
  | "projection-behind"
  | "unavailable";

export interface Rejection {
  readonly rejected: RejectionCode;
  /** For people; never personal content. */
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly retryAfterSeconds?: number;
}

export const reject = (rejected: RejectionCode, detail: string): Rejection => ({ rejected, detail });

export const isRejection = (outcome: unknown): outcome is Rejection =>
  typeof outcome === "object" && outcome !== null && "rejected" in outcome;
