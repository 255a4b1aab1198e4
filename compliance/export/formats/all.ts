import type { ExportScope } from "../../../domain/compliance/events.ts";
import { csv } from "./csv.ts";
import { eml } from "./eml.ts";
import type { Format } from "./format.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";

export const formats: Readonly<Record<ExportScope["format"], Format>> = { json, csv, eml, html };

/** Raised when any format writes other bytes: an archive of another version is not rendered anew when it is checked. */
export const RENDERING = 1;
