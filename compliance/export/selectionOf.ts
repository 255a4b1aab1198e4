import type { ExportScope } from "../../domain/compliance/events.ts";
import { conversationsAuthored } from "../../projections/history/queries.ts";
import { conversationsEver } from "../../projections/members/queries.ts";
import { readHold } from "../holds/listHolds.ts";
import type { Export } from "./export.ts";
import type { ExportParts } from "./parts.ts";
import { ofConversations, ofMatter, ofPerson, type Selection } from "./selection.ts";

/** Where a person wrote is not read yet: an archive of that person would lack something. */
export class NotSettled extends Error {
  override name = "NotSettled";
}

/** What was to be exported is not there any more, such as a hold that was lifted. */
export class NothingToExport extends Error {
  override name = "NothingToExport";
}

/** What of the log belongs to an export. @throws NotSettled, NothingToExport */
export async function selectionOf(parts: ExportParts, { tenant, scope }: Export): Promise<Selection> {
  switch (scope.kind) {
    case "conversation":
      return ofConversations(tenant, [...new Set(scope.conversationIds)].sort(), scope);
    case "person":
      return ofPerson(tenant, scope.userId ?? "", await wherePersonWas(parts, tenant, scope.userId ?? ""), scope);
    case "matter":
      return matterOf(parts, tenant, scope);
    default:
      return scope.kind satisfies never;
  }
}

/** By id: of all that a person is or was in, or wrote in. */
async function wherePersonWas({ accounts, database }: ExportParts, tenant: string, userId: string): Promise<string[]> {
  if (!(await accounts.people.settled())) throw new NotSettled("what was written is not read yet");
  const [ever, wrote] = await Promise.all([
    conversationsEver(database, tenant, userId),
    conversationsAuthored(database, tenant, userId),
  ]);
  return [...new Set([...ever, ...wrote])].sort();
}

async function matterOf(
  parts: ExportParts,
  tenant: string,
  { holdId = "", from, to }: ExportScope,
): Promise<Selection> {
  const hold = await readHold(parts.accounts, tenant, holdId);
  if (!hold || hold.lifted) throw new NothingToExport("no such hold: it was lifted");
  const { conversationId, userId } = hold.scope;
  const conversationIds =
    conversationId === undefined ? await wherePersonWas(parts, tenant, userId ?? "") : [conversationId];
  // The narrower of the two counts.
  const first = [from, hold.scope.from]
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
  const last = [to, hold.scope.to].filter((at) => at !== undefined).sort()[0];
  return ofMatter(tenant, conversationIds, userId, { from: first, to: last });
}
