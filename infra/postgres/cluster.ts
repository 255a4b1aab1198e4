import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Binaries } from "./binaries.ts";
import type { DatabaseUser } from "./databaseUser.ts";

const run = promisify(execFile);

/** Makes a database cluster in an empty folder that the database's user owns; its superuser is `scripta`. */
export async function makeCluster(
  { initdb }: Binaries,
  user: DatabaseUser | undefined,
  folder: string,
  password: string,
  { durable }: { readonly durable: boolean },
): Promise<void> {
  const passwordFile = `${folder}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user) await chown(passwordFile, user.uid, user.gid);
    const flags = ["--username=scripta", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"];
    if (!durable) flags.push("--no-sync");
    await run(initdb, ["-D", folder, `--pwfile=${passwordFile}`, ...flags], {
      ...user,
      cwd: "/",
      env: { PATH: process.env.PATH, LC_ALL: "C" },
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}
