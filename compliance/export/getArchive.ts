import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { type Looking, lookingBy } from "../access/writtenDown.ts";
import type { Export } from "./export.ts";
import { giveOut } from "./giveOut.ts";
import type { Archive } from "./makeArchive.ts";
import type { ExportParts } from "./parts.ts";
import { readExport } from "./readExport.ts";

export const GetExportArchive = door({
  name: "GetExportArchive",
  route: "GET /api/v1/compliance/exports/:exportId/archive",
  summary:
    "The archive, made while it is fetched, of all up to now. One that breaks off is none: `scripta export check` tells. Logged.",
  status: 200,
  access: ["compliance"],
  socket: false,
  file: "application/zip",
  payload: z.strictObject({ exportId: Uuid }),
  result: z.unknown(),

  async run({ exportId }, by, parts: ExportParts) {
    const found = await readExport(parts.log, by.tenant, exportId);
    if (!found) return reject("not-found", "no such export");
    const archive = await underWay(parts, found, lookingBy(by));
    return isRejection(archive)
      ? archive
      : { body: null, file: { name: `export-${exportId}.zip`, bytes: archive.output } };
  },
});

/** An archive that is being written, until whoever asked for it goes away or an erasure sweeps it. */
async function underWay(parts: ExportParts, it: Export, looking: Looking): Promise<Archive | Rejection> {
  const prepared = Promise.withResolvers<Archive | Rejection>();
  const writing = parts.underWay.run(it.tenant, async (stopping) => {
    const archive = await giveOut(parts, it, looking, { signal: stopping.signal });
    prepared.resolve(archive);
    if (isRejection(archive)) return;
    archive.output.once("close", () => stopping.abort(new Error("whoever asked for it went away")));
    // What it breaks off with, its reader is told by the bytes that do not come.
    await archive.write().catch((error: unknown) => archive.output.destroy(asError(error)));
  });
  writing.catch(prepared.reject);
  return prepared.promise;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
