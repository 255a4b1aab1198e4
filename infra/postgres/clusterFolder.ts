import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, chown, lstat, mkdir, realpath, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { SHARED_FOLDER } from "./binaries.ts";
import type { DatabaseUser } from "./databaseUser.ts";

function canEnter(user: DatabaseUser, folder: string): boolean {
  try {
    execFileSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { ...user, cwd: "/", stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The least that lets the database's user pass through a folder: not list it, and nobody else if that can be had. */
async function letPass(user: DatabaseUser, folder: string): Promise<void> {
  const { mode, uid, gid } = await stat(folder);
  if (gid === user.gid && (mode & 0o010) !== 0) return;
  if ((mode & 0o070) === 0) {
    await chown(folder, uid, user.gid);
    await chmod(folder, (mode & 0o7777) | 0o010);
  } else await chmod(folder, (mode & 0o7777) | 0o001);
}

/**
 * Where the database lies: `<data>/postgres`. As root below a home that only its owner may enter, the database's user
 * could not reach that: then it is a link to a folder that it can.
 * @returns the real path of an existing folder that the database's user owns
 */
export async function clusterFolder(dataFolder: string, user: DatabaseUser | undefined): Promise<string> {
  const folder = join(dataFolder, "postgres");
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const there = await lstat(folder).catch(() => undefined);
  if (user && !canEnter(user, dataFolder)) await letPass(user, dataFolder);
  if (!there) {
    const closed = user && !canEnter(user, dataFolder);
    const place = closed ? join(SHARED_FOLDER, `database-${randomUUID()}`) : folder;
    if (closed) await mkdir(SHARED_FOLDER, { recursive: true, mode: 0o755 });
    await mkdir(place, { mode: 0o700 });
    if (closed) await symlink(place, folder);
    if (user) await chown(place, user.uid, user.gid);
  }
  const real = await realpath(folder);
  if (user && !canEnter(user, real))
    throw new Error(
      `the user postgres cannot enter ${real}: was the data folder moved below a closed one? Move it back`,
    );
  return real;
}
