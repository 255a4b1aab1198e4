import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, group, items, type Person, send } from "../../test/support/apiClient.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { openPart } from "./openBackup.ts";
import { notSaved, parts, savedTables } from "./tables.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const KILLS = 2;

let folder: string;
let database: FreshDatabase;
let environment: Record<string, string>;
let server: TestServer;
let ada: Person;
let tea: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-backup-faults-"));
  database = await freshDatabase();
  environment = { SCRIPTA_DATA: join(folder, "data"), SCRIPTA_POSTGRES: database.url };
  server = await startServer(environment);
  const api = apiOf(server.url);
  ada = await api.person("ada");
  tea = await group(ada, [await api.person("bo")]);
  for (let n = 1; n <= 20; n++) await send(ada, tea, `number ${n}`);
  // Enough to be in the middle of for a while: an account that nobody has takes a row, as any other.
  await database.database.query(
    `insert into accounts.accounts (tenant, user_id, command_id, claimed_at, password_hash)
     select 'main', gen_random_uuid(), gen_random_uuid(), now(), md5(n::text) from generate_series(1, 60000) n`,
  );
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

/** Numbers from 0 to 1 that a seed gives again. @see Park and Miller, CACM 31 (10), 1988 */
function randomFrom(seed: number) {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

const untold = { begin: () => {}, step: () => {}, end: () => {} };
const newFolder = () => join(folder, randomUUID());
const isBegun = (path: string) =>
  readdir(path).then(
    (names) => names.length > 0,
    () => false,
  );

/** Starts a command, and kills it some time after it made something in a folder. Whether it was still at work then. */
async function killed(args: readonly string[], own: Record<string, string>, begins: string, afterMs: number) {
  const { child, ended } = scripta(args, own);
  await expect.poll(() => isBegun(begins), { timeout: 20_000, interval: 5 }).toBe(true);
  await pause(afterMs);
  child.kill("SIGKILL");
  return (await ended).code === null;
}

test(`a backup or a restore that is killed counts as none, seed ${SEED}`, async () => {
  const random = randomFrom(SEED);
  const whole = newFolder();
  expect((await scripta(["backup", whole], environment).ended).code).toBe(0);
  let cut = 0;
  for (let round = 0; round < 2 * KILLS; round++) {
    const to = newFolder();
    if (!(await killed(["backup", to], environment, to, random() * 300))) continue;
    cut++;
    const opened = Promise.all(parts.map((part) => openPart(to, part, untold)));
    await expect(opened).rejects.toThrow(/manifest.json(, which is written last,)? is missing/);
  }
  expect(cut).toBeGreaterThan(0);

  for (let round = 0; round < KILLS; round++) {
    const into = await freshDatabase();
    const place = { SCRIPTA_DATA: newFolder(), SCRIPTA_POSTGRES: into.url, SCRIPTA_PORT: "0" };
    const wasCut = await killed(["restore", whole], place, place.SCRIPTA_DATA, random() * 1_500);
    const unfinished = (await readdir(place.SCRIPTA_DATA)).includes("restoring");
    if (wasCut && unfinished) {
      const { code, stderr } = await scripta(["start"], place).ended;
      expect([code, stderr]).toEqual([1, expect.stringContaining("was stopped before its end")]);
      expect((await scripta(["restore", whole], place).ended).stderr).toContain("is not empty");
    } else {
      const second = await startServer(place);
      const there = { ...ada, ...apiOf(second.url) };
      const answer = await there.ask("GET", `/conversations/${tea}/messages`, { token: ada.token });
      expect(items(answer)).toHaveLength(20);
      await second.stop();
    }
    await into.drop();
  }
}, 180_000);

test("a disk that is full while backing up is named, nothing is left on it, and the service goes on", async (context) => {
  const disk = newFolder();
  await mkdir(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", disk], { stdio: "ignore" });
  } catch {
    context.skip("a small file system takes a user who may mount one");
  }
  try {
    const { code, stderr } = await scripta(["backup", join(disk, "backup")], environment).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining("scripta: the disk is full")]);
    expect(stderr).not.toContain("    at ");
    expect(await readdir(join(disk, "backup"))).toEqual([]);
    expect((await send(ada, tea, "the service goes on")).seq).toBeGreaterThan(20);
  } finally {
    execFileSync("umount", [disk]);
  }
}, 60_000);

test("every table is saved, or it is known why not", async () => {
  const { rows } = await database.database.query<{ name: string }>(
    `select schemaname || '.' || tablename as name from pg_tables
      where schemaname !~ '^(pg_|information_schema)' and schemaname not in (select schema from ops.checkpoints)`,
  );
  const saved = Object.values(savedTables).flatMap((tables) => tables.map(({ name }) => name));
  const folded = (await readFile(new URL("../../projections/operations.sql", import.meta.url), "utf8")).matchAll(
    /create table if not exists (\S+)/g,
  );
  const known = [...saved, ...Object.keys(notSaved), ...[...folded].map(([, name = ""]) => name)];
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
});
