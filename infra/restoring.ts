import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const fileOf = (dataFolder: string) => join(dataFolder, "restoring");

/** A restore into this data folder is under way, or was stopped before its end. */
export class RestoreUnfinished extends Error {
  override name = "RestoreUnfinished";
}

/** From now on nothing is served from this folder, whatever happens, until `endRestoring`. */
export async function beginRestoring(dataFolder: string): Promise<void> {
  const file = await open(fileOf(dataFolder), "wx", 0o600);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dataFolder);
}

export async function endRestoring(dataFolder: string): Promise<void> {
  await rm(fileOf(dataFolder));
  await syncFolder(dataFolder);
}

/** @throws RestoreUnfinished */
export async function assertRestored(dataFolder: string): Promise<void> {
  const found = await stat(fileOf(dataFolder)).catch(() => undefined);
  if (found)
    throw new RestoreUnfinished(
      `a restore into ${dataFolder} is under way, or was stopped before its end: then remove the folder and restore again`,
    );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
