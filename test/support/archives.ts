import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";
import { ZipFile } from "yazl";
import { byTenant } from "../../accounts/byTenant.ts";
import { type Made, prepareArchive } from "../../compliance/export/makeArchive.ts";
import { ExportAsked, requestExport } from "../../compliance/export/requestExport.ts";
import { isRejection } from "../../domain/rejection.ts";
import type { Foundation } from "../../infra/foundation.ts";
import { exportParts } from "../../infra/verifiableLog.ts";
import { type Person, send } from "./apiClient.ts";

/** A busy machine signs late. */
export const SIGNED_WITHIN_MS = 30_000;

/** Fetches an archive over HTTP, as soon as what it is of is signed. */
export async function fetchSigned(url: string, token: string, exportId: unknown): Promise<Response> {
  const until = performance.now() + SIGNED_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${url}/api/v1/compliance/exports/${exportId}/archive`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (answer.status !== 503 || performance.now() > until) return answer;
    await answer.body?.cancel();
  }
}

/** Asks for an export and writes its archive into a folder. */
export async function exported(
  foundation: Foundation,
  folder: string,
  asked: object,
  tenant = "main",
): Promise<{ file: string; exportId: string; made: Made }> {
  const parts = exportParts(foundation);
  const scope = ExportAsked.parse(asked);
  const requested = await requestExport(parts, scope, byTenant(foundation.engine, tenant));
  if (isRejection(requested)) throw new Error(requested.detail);
  const { exportId } = requested;
  const archive = await prepareArchive(
    parts,
    { tenant, exportId, scope },
    { signal: new AbortController().signal, signedWithinMs: SIGNED_WITHIN_MS },
  );
  const file = join(folder, `${exportId}.zip`);
  const [made] = await Promise.all([archive.write(), pipeline(archive.output, createWriteStream(file))]);
  return { file, exportId, made };
}

/** Messages of which an archive, packed, is more than lies between who writes it and a reader who waits. */
export const MUCH = 600;
export async function sayMuch(by: Person, conversationId: string): Promise<void> {
  for (let said = 0; said < MUCH; said += 20)
    await Promise.all(
      Array.from({ length: 20 }, () => send(by, conversationId, randomBytes(12_000).toString("base64"))),
    );
}

/** All files of an archive, by name. */
export async function filesIn(file: string): Promise<Map<string, Buffer>> {
  const zip = await openPromise(file, { lazyEntries: true, autoClose: false });
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry())
    files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  zip.close();
  return files;
}

/** The same archive with other files; `sums`: with a list of sums that fits, as a careful forger makes it. */
export async function forged(
  file: string,
  alter: (files: Map<string, Buffer>) => void,
  how: { readonly sums?: boolean } = {},
): Promise<string> {
  const files = await filesIn(file);
  alter(files);
  if (how.sums) {
    const listed = [...files].filter(([name]) => !["files.txt", "manifest.json", "manifest.note"].includes(name));
    const lines = listed.map(([name, bytes]) => `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`);
    files.set("files.txt", Buffer.from(lines.join("")));
  }
  const zip = new ZipFile();
  for (const [name, bytes] of files) zip.addBuffer(bytes, name);
  zip.end();
  const other = `${file}.forged.zip`;
  await writeFile(other, await buffer(zip.outputStream));
  return other;
}

/** An archive that breaks off after so many bytes. */
export async function cutOff(file: string, bytes: number): Promise<string> {
  const other = `${file}.cut.zip`;
  await writeFile(other, (await readFile(file)).subarray(0, bytes));
  return other;
}
