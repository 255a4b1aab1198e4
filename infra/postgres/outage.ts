import { DatabaseError } from "pg";

/** Codes of PostgreSQL: the connection broke, resources are short, somebody stops it, it starts. */
const AWAY = /^(08|53|57P0)/;
const NO_LINK = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOENT"]);
/** What `pg` says of a connection that is gone, or that gave no answer in time; these have no code. */
const GONE =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded|Query read timeout|timeout expired)/;

/** The database answers, but is not yet fit to be asked. */
export class NotAdmitted extends Error {
  override name = "NotAdmitted";
}

/** Whether an error only says that the database cannot be asked now: no defect, and over once it is back. */
export function isOutage(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isOutage);
  if (error instanceof NotAdmitted) return true;
  if (error instanceof DatabaseError) return AWAY.test(error.code ?? "");
  if (!(error instanceof Error)) return false;
  const { code } = "code" in error ? error : { code: undefined };
  return typeof code === "string" ? NO_LINK.has(code) && "syscall" in error : GONE.test(error.message);
}
