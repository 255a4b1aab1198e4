import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { startEmbedded } from "./embedded.ts";

const worker = fileURLToPath(new URL("../../test/support/embeddedWorker.ts", import.meta.url));
const quiet = () => undefined;
const folders: string[] = [];
let children: ChildProcess[] = [];

async function aDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "scripta-embedded-"));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const { pid } of children) {
    try {
      if (pid) process.kill(-pid, "SIGKILL");
    } catch {
      // killed by its test
    }
  }
  // One test that fails leaves nothing to the next.
  const ended = folders.splice(0).reverse();
  children = [];
  for (const folder of ended) {
    const cluster = await realpath(join(folder, "postgres")).catch(() => folder);
    await expect.poll(() => running(cluster), { timeout: 10_000 }).toEqual([]);
    await rm(cluster, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
});

/** Processes that work in a folder or below. */
const running = (folder: string) =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false; // it ended meanwhile
    }
  });

/** Starts a process of its own group that starts the database, and gives its URL. */
async function startedElsewhere(dataFolder: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [worker, dataFolder], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (line: Buffer) => resolve(line.toString().trim()));
    child.once("exit", (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return { child, url };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const database = openDatabase(url, { max: 1 });
  try {
    return (await database.query(sql)).rows;
  } finally {
    await database.close();
  }
}

const countNotes = (url: string) => query(url, "select count(*) as notes from notes");

test("a first start makes the database, a later one finds it, and both are quick", async () => {
  const dataFolder = await aDataFolder();
  let began = performance.now();
  const first = await startEmbedded({ dataFolder, log: quiet });
  expect(performance.now() - began).toBeLessThan(15_000);
  await query(first.connection, "create table notes as select 1 as n");
  expect(
    await query(first.connection, "select current_setting('fsync') as f, current_setting('synchronous_commit') as c"),
  ).toEqual([{ f: "on", c: "on" }]);
  await first.stop();
  await first.ended;

  began = performance.now();
  const again = await startEmbedded({ dataFolder, log: quiet });
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await countNotes(again.connection)).toEqual([{ notes: 1 }]);
  expect(readFileSync(again.urlFile, "utf8")).toBe(again.connection);
  expect((await stat(again.urlFile)).mode & 0o777).toBe(0o600);
  await again.stop();
});

test("after kill -9 of its process a start at once on the same folder finds the data", async () => {
  const dataFolder = await aDataFolder();
  for (let round = 0; round < 3; round++) {
    const { child, url } = await startedElsewhere(dataFolder);
    if (round === 0) await query(url, "create table notes (n int)");
    await query(url, `insert into notes values (${round})`);
    if (!child.pid) throw new Error("no worker");
    // Once the process, once its whole group.
    process.kill(round % 2 === 0 ? child.pid : -child.pid, "SIGKILL");
  }
  const again = await startEmbedded({ dataFolder, log: quiet });
  expect(await countNotes(again.connection)).toEqual([{ notes: 3 }]);
  await again.stop();
});

test("nothing of it runs 5 s after its process and its whole group were killed", async () => {
  const dataFolder = await aDataFolder();
  const { child, url } = await startedElsewhere(dataFolder);
  const cluster = await realpath(join(dataFolder, "postgres"));
  const busy = query(url, "select pg_sleep(60)").catch((error: Error) => error.message);
  const sleeping = "select count(*) as n from pg_stat_activity where query like 'select pg_sleep%'";
  await expect.poll(() => query(url, sleeping), { timeout: 5_000 }).toEqual([{ n: 1 }]);
  expect(running(cluster).length).toBeGreaterThan(3);
  if (child.pid) process.kill(-child.pid, "SIGKILL");
  await expect.poll(() => running(cluster), { timeout: 5_000 }).toEqual([]);
  expect(await busy).toMatch(/terminat|closed|reset/i);
});

test("Ctrl-C in the terminal does not reach it: the program drains first", async () => {
  const { child, url } = await startedElsewhere(await aDataFolder());
  if (child.pid) process.kill(-child.pid, "SIGINT");
  expect(await query(url, "select 1 as alive")).toEqual([{ alive: 1 }]);
});

test("a database that another living process has started is left alone", async () => {
  const dataFolder = await aDataFolder();
  const { child, url } = await startedElsewhere(dataFolder);
  await expect(startEmbedded({ dataFolder, log: quiet })).rejects.toThrow(`running process ${child.pid}`);
  expect(await query(url, "select 1 as alive")).toEqual([{ alive: 1 }]);
});

test("a lock file that names a process which is somebody else is no hindrance", async () => {
  const dataFolder = await aDataFolder();
  await (await startEmbedded({ dataFolder, log: quiet })).stop();
  const file = join(dataFolder, "postgres", "cluster", "postmaster.pid");
  expect(existsSync(file)).toBe(false);
  await writeFile(file, `${process.ppid}\n${dataFolder}\n1\n1\n\n127.0.0.1\n1 1\nready\n`, { mode: 0o644 });
  await (await startEmbedded({ dataFolder, log: quiet })).stop();
});

test("a first start that was killed half-way is begun anew", async () => {
  const dataFolder = await aDataFolder();
  const child = spawn(process.execPath, [worker, dataFolder], { detached: true, stdio: "ignore" });
  children.push(child);
  await expect
    .poll(() => existsSync(join(dataFolder, "postgres", "cluster.new", "base")), { timeout: 5_000 })
    .toBe(true);
  if (child.pid) process.kill(-child.pid, "SIGKILL");
  await expect.poll(() => child.signalCode).toBe("SIGKILL");
  await (await startEmbedded({ dataFolder, log: quiet })).stop();
});

test.skipIf(process.getuid?.() !== 0)(
  "as root below a home that nobody else may enter it lies where its user can",
  async () => {
    const home = await aDataFolder();
    await chmod(home, 0o700);
    const dataFolder = join(home, "scripta");
    folders.push(dataFolder);
    const first = await startEmbedded({ dataFolder, log: quiet });
    await query(first.connection, "create table notes as select 1 as n");
    await first.stop();
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    const again = await startEmbedded({ dataFolder, log: quiet });
    expect(await countNotes(again.connection)).toEqual([{ notes: 1 }]);
    await again.stop();
  },
);
