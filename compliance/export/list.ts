import { type OpenDoor, openDoor } from "../../infra/ports/door.ts";
import { GetExportArchive } from "./getArchive.ts";
import { GetExport } from "./getExport.ts";
import type { ExportParts } from "./parts.ts";
import { RequestExport } from "./requestExport.ts";

/** Every door of exports. */
export const openExports = (parts: ExportParts): OpenDoor[] => [
  openDoor(RequestExport, parts),
  openDoor(GetExport, parts),
  openDoor(GetExportArchive, parts),
];
