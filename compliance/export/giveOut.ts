import { parseStreamId } from "../../domain/ids.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import { LogUnavailable } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { lastSeqs } from "../../projections/history/queries.ts";
import { type Looking, writtenDown } from "../access/writtenDown.ts";
import { readApproval } from "../approvals/approval.ts";
import { takesTwo } from "../policies/readPolicies.ts";
import { NotSignedYet } from "../proof/proveEvent.ts";
import { RetentionUnderWay } from "../retention/retiring.ts";
import type { Export } from "./export.ts";
import { type Archive, type HowToMake, prepareArchive } from "./makeArchive.ts";
import type { ExportParts } from "./parts.ts";
import { NothingToExport, NotSettled } from "./selectionOf.ts";

/** An archive that may be written: that it is given out is written down, for each conversation that is in it. */
export async function giveOut(
  parts: ExportParts,
  it: Export,
  looking: Looking,
  how: HowToMake,
): Promise<Archive | Rejection> {
  try {
    const unapproved = await refusedUntilApproved(parts, it);
    if (unapproved) return unapproved;
    const archive = await prepareArchive(parts, it, how);
    return (await noted(parts, it, looking, archive)) ?? archive;
  } catch (error) {
    if (error instanceof NotSignedYet)
      return { ...reject("unavailable", "no checkpoint holds the newest events yet: ask again"), retryAfterSeconds: 1 };
    if (error instanceof RetentionUnderWay)
      return { ...reject("unavailable", `${error.message}: ask again`), retryAfterSeconds: 5 };
    if (error instanceof NothingToExport) return reject("not-found", error.message);
    if (error instanceof NotSettled) return reject("projection-behind", "what was written is not read yet: ask again");
    if (error instanceof KeysUnavailable) return reject("unavailable", "the keys that open content do not answer now");
    if (error instanceof LogUnavailable) return reject("unavailable", "the log cannot be read now");
    throw error;
  }
}

/** What was asked for before a second officer was needed takes one now. */
async function refusedUntilApproved({ accounts, log }: ExportParts, it: Export): Promise<Rejection | undefined> {
  if (!(await takesTwo(log, it.tenant, "export"))) return undefined;
  const approval = await readApproval(accounts.engine, it.tenant, it.exportId);
  if (approval && approval.approvedBy !== null) return undefined;
  return reject("conflict", "exports take a second officer since this one was asked for: ask for it anew");
}

async function noted(
  parts: ExportParts,
  { tenant, exportId, scope }: Export,
  looking: Looking,
  { streams }: Archive,
): Promise<Rejection | undefined> {
  const { kind, userId, holdId, format } = scope;
  const about = { exportId, kind, format, ...(userId ? { userId } : {}), ...(holdId ? { holdId } : {}) };
  const named = streams.map(parseStreamId).flatMap((stream) => (stream.kind === "conversation" ? [stream.id] : []));
  const last = await lastSeqs(parts.database, tenant, named);
  const all = named.map((conversationId) => ({
    ...about,
    conversationId,
    first: 1,
    last: last.get(conversationId) ?? 0,
  }));
  for (const one of all.length > 0 ? all : [about]) {
    const refused = await writtenDown({ database: parts.database, engine: parts }, looking, "export", one);
    if (refused) return refused;
  }
  return undefined;
}
