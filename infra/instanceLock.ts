import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { isAlive, ProcessIdentity, thisProcess } from "./processIdentity.ts";

const Instance = ProcessIdentity.extend({
  /** Where it answers HTTP, such as `http://127.0.0.1:8080`; null while it does not. */
  address: z.string().nullable(),
  /** A file that holds the URL of the database. */
  databaseUrlFile: z.string(),
});

/** What runs on a data folder, for those who come beside it. */
export type Instance = z.infer<typeof Instance>;

export interface InstanceLock {
  /** Tells others on this machine how to reach it. */
  announce(reach: Pick<Instance, "address" | "databaseUrlFile">): Promise<void>;
  release(): Promise<void>;
}

const fileOf = (dataFolder: string) => join(dataFolder, "instance.json");

const failedWith = (error: unknown, code: string) => error instanceof Error && "code" in error && error.code === code;

function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

const answers = (path: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
  });

/**
 * Taken by listening on a socket named after the folder, for which no two processes can listen: it ends with its process,
 * however that ends, so that no lock is ever stale. On Linux the name lies in no file system.
 * @returns undefined while another process holds it
 */
export async function takeInstanceLock(dataFolder: string): Promise<InstanceLock | undefined> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const { dev, ino } = await stat(dataFolder);
  const name = `scripta-${hash("sha256", `${dev}:${ino}`).slice(0, 24)}`;
  const inMemory = process.platform === "linux";
  const path = inMemory ? `\0${name}` : join(tmpdir(), name);
  const refused = (error: unknown) => {
    if (failedWith(error, "EADDRINUSE")) return undefined;
    throw error;
  };
  let server = await listening(path).catch(refused);
  if (!server && !inMemory && !(await answers(path))) {
    await rm(path, { force: true });
    server = await listening(path).catch(refused);
  }
  return server && lockOf(server, dataFolder);
}

const lockOf = (server: Server, dataFolder: string): InstanceLock => ({
  async announce(reach) {
    const file = fileOf(dataFolder);
    await writeFile(`${file}.new`, JSON.stringify({ ...thisProcess(), ...reach }), { mode: 0o600 });
    await rename(`${file}.new`, file);
  },
  async release() {
    await rm(fileOf(dataFolder), { force: true });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  },
});

/** The process that runs on this folder and has announced itself; a file that a killed one left counts for nothing. */
export async function runningInstance(dataFolder: string): Promise<Instance | undefined> {
  try {
    const instance = Instance.parse(JSON.parse(await readFile(fileOf(dataFolder), "utf8")));
    return isAlive(instance) ? instance : undefined;
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}
