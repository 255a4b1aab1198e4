import { writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** Writes a zip of these files. Text is written as it is, anything else as JSON. */
export async function writeZip(path: string, files: Readonly<Record<string, unknown>>): Promise<string> {
  await writeFile(path, await zipOf(files));
  return path;
}

export function zipOf(files: Readonly<Record<string, unknown>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files))
    zip.addBuffer(Buffer.from(typeof content === "string" ? content : JSON.stringify(content)), name);
  zip.end();
  return buffer(zip.outputStream);
}
