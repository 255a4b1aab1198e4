import { DatabaseError } from "pg";
import { LogUnavailable, UnknownOutcome } from "../ports/eventLog.ts";

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** A statement that PostgreSQL refused and so rolled back; a FATAL may come when the commit was on its way. */
const refusal = (error: unknown) => error instanceof DatabaseError && error.severity === "ERROR";

/** Only this batch's content can be at fault: a value out of range, text that is not JSON. */
export const contentAtFault = (error: unknown): boolean =>
  error instanceof DatabaseError && refusal(error) && /^2[23]/.test(error.code ?? "");

/** What became of an append whose call failed. A LogUnavailable was there before anything was sent. */
export function appendFailure(error: unknown): Error {
  if (error instanceof LogUnavailable) return error;
  return refusal(error)
    ? new LogUnavailable(`the log refused: ${reason(error)}`, { cause: error })
    : new UnknownOutcome(`the link to the log broke in mid-commit: ${reason(error)}`, { cause: error });
}

export const unreachable = (error: unknown): Error =>
  new LogUnavailable(`the log cannot be reached: ${reason(error)}`, { cause: error });

/** A read that failed for want of a connection, or as it was: a defect should not pass for an outage. */
export const readFailure = (error: unknown): unknown =>
  refusal(error) || error instanceof TypeError || error instanceof RangeError ? error : unreachable(error);
