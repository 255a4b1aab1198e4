import type { By } from "../../domain/by.ts";
import { tenantId } from "../../domain/ids.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { ContentErased, type Sealing } from "../../sealing/sealing.ts";
import { readPolicies } from "../policies/readPolicies.ts";
import { type Access, writeAccess } from "./accessLog.ts";
import { sealPurpose } from "./purpose.ts";

/** Who looks, and why, in that person's words. */
export interface Looking extends Pick<Access, "tenant" | "at" | "actor" | "device"> {
  readonly purpose?: string | undefined;
}

export const lookingBy = ({ tenant, userId, deviceId, now, purpose }: By): Looking => ({
  tenant,
  at: now,
  actor: userId === tenantId(tenant) ? null : userId,
  device: deviceId,
  purpose,
});

export interface AccessParts {
  readonly database: Database;
  readonly engine: { readonly log: EventLog; readonly sealing: Pick<Sealing, "seal"> };
}

/**
 * Writes down that somebody is about to be shown something. Where this gives a refusal nothing may be shown.
 * @param about ids and numbers alone: what of it, and how much
 */
export async function writtenDown(
  { database, engine: { log, sealing } }: AccessParts,
  { purpose, ...access }: Looking,
  action: string,
  about: Access["about"],
): Promise<Rejection | undefined> {
  try {
    const { tenant, actor } = access;
    if (purpose === undefined && (await readPolicies(log, tenant)).purpose === "required")
      return reject("validation-failed", "this organisation wants to know why: give a purpose");
    const sealed = purpose === undefined ? {} : { purpose: await sealPurpose(sealing, tenant, actor, purpose) };
    await writeAccess(database, { ...access, action, about: { ...about, ...sealed } });
    return undefined;
  } catch (error) {
    if (error instanceof ContentErased) return reject("erased", "whoever asks is erased");
    return reject(
      "unavailable",
      error instanceof KeysUnavailable
        ? "the keys that seal a purpose do not answer now"
        : "that this is read could not be written down, so it is not shown",
    );
  }
}
