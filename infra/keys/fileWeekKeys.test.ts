import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeysUnavailable } from "../ports/secrets.ts";
import { fileWeekKeys } from "./fileWeekKeys.ts";

let folder: string;
let now: number;
let wrapped: boolean;
const open = () => fileWeekKeys(join(folder, "week-keys"), { now: () => now }, async () => wrapped);
const pathOf = (id: string) => join(folder, "week-keys", "main", `${id}.json`);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `keys-${randomUUID()}`));
  now = Date.parse("2026-11-21T10:00:00Z");
  wrapped = false;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a first start makes a key, which later starts find", async () => {
  const made = await open().current("main");
  expect(made.key).toHaveLength(32);
  wrapped = true;
  expect(await open().current("main")).toEqual(made);
  expect(await open().get("main", made.id)).toEqual(made.key);
});

test("keys can be read by nobody else on the machine", async () => {
  const { id } = await open().current("main");
  expect((await stat(pathOf(id))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, "week-keys", "main"))).mode & 0o777).toBe(0o700);
});

test("a new key is the current one at once, also when the clock was set back, and the old ones stay", async () => {
  const keys = open();
  const first = await keys.current("main");
  now -= 3_600_000;
  const second = await keys.rotate("main");
  expect(await open().current("main")).toEqual(second);
  expect(await keys.get("main", first.id)).toEqual(first.key);
  expect((await keys.list("main")).map(({ id }) => id)).toEqual([first.id, second.id]);
  expect(second.key).not.toEqual(first.key);
});

test("tenants have keys of their own", async () => {
  const keys = open();
  const [main, other] = [await keys.current("main"), await keys.current("other")];
  expect(main.key).not.toEqual(other.key);
  await expect(keys.get("other", main.id)).rejects.toThrow(KeysUnavailable);
});

test("a destroyed key is gone from the disk, and so is what a killed process left half destroyed", async () => {
  const keys = open();
  const { id, key } = await keys.current("main");
  await keys.rotate("main");
  await writeFile(`${pathOf("2026-11-01-killed")}.destroyed`, "half");
  await keys.destroy("main", id);
  await keys.destroy("main", id);
  await expect(keys.get("main", id)).rejects.toThrow(KeysUnavailable);
  const left = await readdir(join(folder, "week-keys", "main"));
  expect(left).toHaveLength(1);
  for (const name of left)
    expect(await readFile(join(folder, "week-keys", "main", name), "utf8")).not.toContain(
      Buffer.from(key).toString("base64"),
    );
});

test("where secrets are wrapped, missing keys are named and never made anew", async () => {
  const { id } = await open().current("main");
  wrapped = true;
  await rm(join(folder, "week-keys"), { recursive: true });
  await expect(open().current("main")).rejects.toThrow(KeysUnavailable);
  await expect(open().current("main")).rejects.toThrow(join(folder, "week-keys", "main"));
  await expect(open().get("main", id)).rejects.toThrow(pathOf(id));
  await expect(readdir(join(folder, "week-keys"))).rejects.toThrow("ENOENT");
});

test.each([
  ["cut short", (text: string) => text.slice(0, 40)],
  ["empty", () => ""],
  ["with another key", (text: string) => text.replace(/"key":"..../, '"key":"AAAA')],
  ["of another time", (text: string) => text.replace(/"madeAt":\d/, '"madeAt":9')],
])("a key file that is %s is refused by its name, and nothing is made beside it", async (_, damage) => {
  const { id } = await open().current("main");
  await writeFile(pathOf(id), damage(await readFile(pathOf(id), "utf8")));
  const keys = open();
  const asking = [keys.current, keys.rotate, keys.list, (tenant: string) => keys.get(tenant, id)];
  for (const ask of asking) await expect(ask("main")).rejects.toThrow(`the week key ${pathOf(id)} is damaged`);
  expect(await readdir(join(folder, "week-keys", "main"))).toEqual([`${id}.json`]);
});

test("a key that was being written when the power went does not count", async () => {
  const made = await open().current("main");
  await writeFile(`${pathOf("2026-11-21-half")}.new`, '{"tenant":');
  expect(await open().current("main")).toEqual(made);
});

test("keys made at the same time by two processes both stay, and both then agree which is current", async () => {
  const made = await Promise.all([open().current("main"), open().current("main"), open().current("main")]);
  const current = await open().current("main");
  expect(made.map(({ id }) => id)).toContain(current.id);
  for (const { id, key } of made) expect(await open().get("main", id)).toEqual(key);
});

test("a folder that cannot be read is unavailable, not empty", async () => {
  await open().current("main");
  await writeFile(join(folder, "week-keys", "odd"), "a file where a tenant's folder should be");
  await expect(open().current("odd")).rejects.toThrow(KeysUnavailable);
});
