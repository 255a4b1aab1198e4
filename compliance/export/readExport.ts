import { decodeFacts } from "../../domain/catalogue.ts";
import { type ExportScope, ExportScope as Scope } from "../../domain/compliance/events.ts";
import { streamId } from "../../domain/ids.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import type { Export } from "./export.ts";
import type { Made } from "./makeArchive.ts";

/** An export as its stream tells it. */
export interface ExportTold extends Export {
  readonly scope: ExportScope;
  readonly requestedAt: number;
  /** Each archive that was made whole and given out, in order. */
  readonly archives: readonly (Made & { readonly givenAt: number })[];
}

/** From the log itself. Undefined where the case is no export. @throws LogUnavailable */
export async function readExport(log: EventLog, tenant: string, exportId: string): Promise<ExportTold | undefined> {
  let found: ExportTold | undefined;
  for await (const recorded of log.readStream(streamId(tenant, "compliance", exportId))) {
    const facts = decodeFacts(recorded);
    const { recordedAt } = recorded;
    if (facts.type === "ExportRequested")
      found = { tenant, exportId, scope: Scope.parse(facts.data), requestedAt: recordedAt, archives: [] };
    if (!found) return undefined;
    if (facts.type === "ExportGivenOut")
      found = { ...found, archives: [...found.archives, { ...facts.data, givenAt: recordedAt }] };
  }
  return found;
}
