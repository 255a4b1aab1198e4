import type { ExportScope } from "../../domain/compliance/events.ts";

/** What is to be exported, as it was asked for. */
export interface Export {
  readonly tenant: string;
  readonly exportId: string;
  readonly scope: ExportScope;
}
