import { hash, randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../ports/clock.ts";
import { KeysUnavailable, type WeekKeys } from "../ports/secrets.ts";

const KeyFile = z.strictObject({
  tenant: z.string(),
  id: z.string(),
  /** Milliseconds since 1970. */
  madeAt: z.int(),
  /** 32 bytes. */
  key: z.base64().length(44),
  /** Of all the above: a key that was damaged must not pass for one that does not fit. */
  sha256: z.string(),
});
type KeyFile = z.output<typeof KeyFile>;

const SUFFIX = ".json";
const DOOMED = ".destroyed";
const digestOf = ({ tenant, id, madeAt, key }: Omit<KeyFile, "sha256">): string =>
  hash("sha256", JSON.stringify([tenant, id, madeAt, key]));

const causeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no key file either: the schema says so.
    return undefined;
  }
}

/** Durable before it resolves, and never half there. */
async function write(folder: string, file: KeyFile): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const path = join(folder, `${file.id}${SUFFIX}`);
  const handle = await open(`${path}.new`, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(file)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
  await syncFolder(join(folder, ".."));
}

/** Also what a process that was killed meanwhile left. Only as thorough as the disk: an SSD may keep old blocks. */
async function overwriteDoomed(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(DOOMED)) continue;
    const path = join(folder, name);
    const file = await open(path, "r+");
    try {
      await file.write(randomBytes((await file.stat()).size), 0, undefined, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await unlink(path);
  }
  await syncFolder(folder);
}

/**
 * Week keys in a folder, one file a key, for one machine. Only as safe as that disk, and a copy of the folder is a
 * copy of the keys: it must not lie in the same backup as the database.
 * @param anythingWrapped whether a tenant has secrets that a week key wraps: then one that is missing is never made anew
 */
export function fileWeekKeys(
  folder: string,
  clock: Clock,
  anythingWrapped: (tenant: string) => Promise<boolean>,
): WeekKeys {
  const folderOf = (tenant: string) => join(folder, tenant);

  async function readIfThere(tenant: string, id: string): Promise<KeyFile | undefined> {
    const path = join(folderOf(tenant), `${id}${SUFFIX}`);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw new KeysUnavailable(`the week key ${path} cannot be read (${causeOf(error)})`, { cause: error });
    });
    if (text === undefined) return undefined;
    const file = KeyFile.safeParse(parsed(text)).data;
    if (!file || file.tenant !== tenant || file.id !== id || file.sha256 !== digestOf(file))
      throw new KeysUnavailable(`the week key ${path} is damaged: put it back from the backup of the keys`);
    return file;
  }

  /** Oldest first. */
  async function all(tenant: string): Promise<KeyFile[]> {
    const names = await readdir(folderOf(tenant)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw new KeysUnavailable(`the folder ${folderOf(tenant)} of week keys cannot be read (${causeOf(error)})`, {
        cause: error,
      });
    });
    const ids = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
    // One that was destroyed since the folder was read is no longer there.
    const keys = (await Promise.all(ids.map((id) => readIfThere(tenant, id)))).filter((file) => file !== undefined);
    return keys.sort((one, other) => one.madeAt - other.madeAt || (one.id < other.id ? -1 : 1));
  }

  const opened = ({ id, key }: KeyFile) => ({ id, key: Uint8Array.from(Buffer.from(key, "base64")) });

  async function rotate(tenant: string) {
    const madeAt = Math.max(clock.now(), ((await all(tenant)).at(-1)?.madeAt ?? 0) + 1);
    const id = `${new Date(madeAt).toISOString().slice(0, 10)}-${randomBytes(6).toString("hex")}`;
    const facts = { tenant, id, madeAt, key: randomBytes(32).toString("base64") };
    const file = { ...facts, sha256: digestOf(facts) };
    await write(folderOf(tenant), file);
    await overwriteDoomed(folderOf(tenant));
    return opened(file);
  }

  return {
    async current(tenant) {
      const newest = (await all(tenant)).at(-1);
      if (newest) return opened(newest);
      if (await anythingWrapped(tenant))
        throw new KeysUnavailable(
          `the week keys of ${tenant} are missing in ${folderOf(tenant)}, and its secrets are wrapped under them: put them back from the backup of the keys`,
        );
      return rotate(tenant);
    },
    async get(tenant, id) {
      const file = await readIfThere(tenant, id);
      if (!file)
        throw new KeysUnavailable(
          `the week key ${join(folderOf(tenant), `${id}${SUFFIX}`)} is missing: put it back from the backup of the keys`,
        );
      return opened(file).key;
    },
    rotate,
    async destroy(tenant, id) {
      const path = join(folderOf(tenant), `${id}${SUFFIX}`);
      await rename(path, `${path}${DOOMED}`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      await overwriteDoomed(folderOf(tenant));
    },
    list: async (tenant) => (await all(tenant)).map(({ id, madeAt }) => ({ id, madeAt })),
  };
}
