import type { Export } from "./makeArchive.ts";
import type { ExportParts } from "./parts.ts";
import { ofConversations, type Selection } from "./selection.ts";

/** What of the log belongs to an export. */
export async function selectionOf(_parts: ExportParts, { tenant, scope }: Export): Promise<Selection> {
  return ofConversations(tenant, [...new Set(scope.conversationIds ?? [])].sort(), scope);
}
