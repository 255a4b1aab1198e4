import { exitCodes } from "./exitCodes.ts";

/** What is expected to happen, by the name of its error: one line says all, and its exit code tells them apart. */
const expected: ReadonlyMap<string, number> = new Map([
  ["CommandFailed", exitCodes.failed],
  ["ArchiveFault", exitCodes.failed],
  ["KeysUnavailable", exitCodes.failed],
  ["LogUnavailable", exitCodes.failed],
  ["RebuildRunning", exitCodes.failed],
  ["RebuildGivenUp", exitCodes.failed],
  ["RebuildStuck", exitCodes.failed],
  ["RestoreUnfinished", exitCodes.failed],
  ["ConfigurationFault", exitCodes.usage],
  ["FolderBusy", exitCodes.folderBusy],
  ["PortInUse", exitCodes.portInUse],
  ["LogBehind", exitCodes.logBehind],
]);

/** What the operating system or PostgreSQL refuses, in words. */
const system: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["EISDIR", "it is a folder, not a file"],
  ["EACCES", "this user may not"],
  ["EPERM", "this user may not"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "the disk is full"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ENOTFOUND", "there is no such host"],
  ["ECONNREFUSED", "nothing answers there"],
  ["53100", "the database's disk is full"],
]);

/** Tells on standard error what went wrong, without a stack where that says nothing. Gives the exit code. */
export function reportFailure(error: unknown): number {
  if (!(error instanceof Error)) {
    process.stderr.write(`scripta: ${String(error)}\n`);
    return exitCodes.failed;
  }
  const code = expected.get(error.name);
  const refused = "code" in error && typeof error.code === "string" ? system.get(error.code) : undefined;
  const line = refused === undefined ? error.message : refusedLine(error, refused);
  const known = code !== undefined || refused !== undefined;
  process.stderr.write(`scripta: ${known ? line : (error.stack ?? error.message)}\n`);
  return code ?? exitCodes.failed;
}

/** What was refused, by its path where the system names one. */
const refusedLine = (error: Error, refused: string): string =>
  "path" in error && typeof error.path === "string" ? `${error.path}: ${refused}` : `${refused}: ${error.message}`;
