import { type Rejection, reject } from "../../domain/rejection.ts";
import { isRegistered, type User } from "../../domain/user/user.ts";
import type { Sender } from "../engine/deciding.ts";

/** Why somebody may not shut or open an account. */
export function notAdministered(state: User, { roles }: Sender): Rejection | undefined {
  if (!roles.includes("admin")) return reject("forbidden", "for administrators");
  return isRegistered(state) ? undefined : reject("not-found", "no such account");
}
