import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LogFault, type LogSource } from "../../compliance/verifier/followLog.ts";
import { CommandFailed } from "../commandFailed.ts";

/** A log behind an address (that of the server, or of its `/tlog`) or in a folder. @param token of a signed-in auditor */
export function logSource(where: string, token: string | undefined): LogSource {
  if (!/^https?:\/\//.test(where)) return fromFolder(where);
  const base = where.replace(/\/+$/, "").replace(/(\/tlog)?$/, "/tlog");
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return async (path) => {
    const answer = await fetch(`${base}/${path}`, { headers }).catch((error: unknown) => {
      throw new CommandFailed(`${base} does not answer: ${error instanceof Error ? error.message : error}`);
    });
    if (answer.status === 404) throw new LogFault(`${path} is not there`);
    if (!answer.ok) throw new CommandFailed(`${base}/${path} answers ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

const fromFolder =
  (folder: string): LogSource =>
  (path) =>
    readFile(join(folder, path)).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT")
        throw new LogFault(`${path} is not there`);
      throw error;
    });

/** The same, and all that it gives is put into a folder from which it can be given again. */
export const savedInto =
  (folder: string, source: LogSource): LogSource =>
  async (path) => {
    const bytes = await source(path);
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
    return bytes;
  };
