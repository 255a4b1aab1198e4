import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeZip, zipOf } from "../../test/support/zip.ts";
import { openSlackExport } from "./slackExport.ts";
import { displayNameFor, usernamesFor } from "./slackNames.ts";
import { decodeSlackText, isStorable } from "./slackText.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-archive-"));
});
afterAll(() => rm(folder, { recursive: true }));

const users = [{ id: "U1", name: "ada" }];
const channels = [{ id: "C1", name: "tea", creator: "U1", members: ["U1"] }];
const said = (ts: string, more: object = {}) => ({ type: "message", user: "U1", text: `at ${ts}`, ts, ...more });
const whole = { "users.json": users, "channels.json": channels };

const opened = async (path: string) => openSlackExport(path, () => undefined);
const zipped = (files: Readonly<Record<string, unknown>>) => writeZip(join(folder, "export.zip"), files);

/** A zip in which every occurrence of a name is another one of the same length. */
async function renamed(from: string, to: string): Promise<string> {
  const bytes = await zipOf({ ...whole, [from]: [] });
  const path = join(folder, "renamed.zip");
  await writeFile(path, Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1"));
  return path;
}

test("what is no zip, or is not there, is named", async () => {
  const path = join(folder, "no.zip");
  await expect(opened(path)).rejects.toThrow(`${path} cannot be read`);
  await writeFile(path, "this is no archive".repeat(100));
  await expect(opened(path)).rejects.toThrow(`${path} is not a zip archive`);
});

test("an archive that was cut off anywhere is refused", async () => {
  const bytes = await zipOf({ ...whole, "tea/2020-01-01.json": [said("1577836800.000100")] });
  const path = join(folder, "cut.zip");
  for (const part of [0.1, 0.5, 0.9, 0.99]) {
    await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * part)));
    await expect(opened(path)).rejects.toMatchObject({ name: "ArchiveFault" });
  }
});

test("a zip that is no Slack export says what it lacks", async () => {
  await expect(opened(await zipped({ "photo.txt": "hello" }))).rejects.toThrow("it holds no users.json");
  await expect(opened(await zipped({ "users.json": users }))).rejects.toThrow("it holds no channels.json");
});

test("an entry with an absolute path, or one that leads outside, is named", async () => {
  await expect(opened(await renamed("aaaaaaaa.json", "/etc/abc.json"))).rejects.toThrow("/etc/abc.json");
  await expect(opened(await renamed("aaaaaaaa.json", "../../ab.json"))).rejects.toThrow("../../ab.json");
  await expect(opened(await renamed("aaaaaaaa.json", "..\\..\\ab.json"))).rejects.toThrow("../../ab.json");
});

test("an entry that would take four gigabytes is refused by its name, whatever it holds", async () => {
  const bytes = await zipOf({ ...whole, "tea/2020-01-01.json": [] });
  const directory = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  bytes.writeUInt32LE(0xffff_fff0, directory + 24);
  const path = join(folder, "large.zip");
  await writeFile(path, bytes);
  await expect(opened(path)).rejects.toThrow(/tea\/2020-01-01\.json .* would take 4294967280 bytes/);
});

test("an entry that unpacks to more than it says, or was damaged, is named", async () => {
  const bytes = await zipOf({ ...whole, "tea/2020-01-01.json": [said("1577836800.000100")] });
  const directory = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  const path = join(folder, "lying.zip");
  const lying = Buffer.from(bytes);
  lying.writeUInt32LE(10, directory + 24);
  await writeFile(path, lying);
  await expect(opened(path)).rejects.toThrow("tea/2020-01-01.json cannot be unpacked");
  const damaged = Buffer.from(bytes);
  damaged.writeUInt32LE(1234, directory + 16);
  await writeFile(path, damaged);
  await expect(opened(path)).rejects.toThrow("tea/2020-01-01.json was damaged");
});

test("broken JSON in the middle of all days is named before anything is imported", async () => {
  const days = { "tea/2020-01-01.json": [said("1577836800.000100")], "tea/2020-01-03.json": [] };
  await expect(opened(await zipped({ ...whole, ...days, "tea/2020-01-02.json": '[{"ts": "15' }))).rejects.toThrow(
    "tea/2020-01-02.json is not JSON",
  );
  await expect(opened(await zipped({ ...whole, ...days, "tea/2020-01-02.json": [{ ts: "soon" }] }))).rejects.toThrow(
    "tea/2020-01-02.json is not what a Slack export holds: [0].ts",
  );
  await expect(opened(await zipped({ "users.json": {}, "channels.json": [] }))).rejects.toThrow("users.json is not");
});

test("messages come in the order of time, also over days that overlap and files that are not in order", async () => {
  const archive = await opened(
    await zipped({
      ...whole,
      "tea/2020-01-01.json": [said("100.000002"), said("100.000001"), said("205.000000")],
      "tea/2020-01-02.json": [said("200.000000"), said("205.000000"), said("210.000000")],
      "tea/2020-01-03.json": [said("150.000000"), said("300.000000", { thread_ts: "100.000001", user: "U2" })],
      "tea/notes.txt": "not a day",
    }),
  );
  const [tea] = archive.channels;
  const order: string[] = [];
  for await (const { ts } of tea?.messages() ?? []) order.push(ts);
  expect(order).toEqual([
    "100.000001",
    "100.000002",
    "150.000000",
    "200.000000",
    "205.000000",
    "210.000000",
    "300.000000",
  ]);
  expect([...(tea?.people ?? [])]).toEqual(["U1", "U2"]);
  expect(archive.people.map(({ slackId }) => slackId)).toEqual(["U1", "U2"]);
  archive.close();
});

test("only the three escapes of Slack are decoded, once", () => {
  expect(decodeSlackText("a &lt;b&gt; &amp;amp; &quot;c&quot; <@U1> ")).toBe("a <b> &amp; &quot;c&quot; <@U1> ");
});

test("a text over 16 KiB or with U+0000 cannot be stored; white space alone can", () => {
  expect(isStorable("é".repeat(8_192))).toBe(true);
  expect(isStorable("é".repeat(8_193))).toBe(false);
  expect(isStorable("a\u0000b")).toBe(false);
  expect(isStorable(" ")).toBe(true);
});

test("user names follow the name, and fall back on the id", () => {
  const names = (name: string) => usernamesFor({ slackId: "U0123ABCDE", name }, "3c0c8616-b4cc-5434-97a2-04eba151314b");
  expect(names("Ada.Lovelace")).toEqual(["ada.lovelace", "ada.lovelace-3abcde", expect.any(String)]);
  expect(names("__Bo 😀")[0]).toBe("bo--");
  expect(names("x".repeat(40))[0]).toBe("x".repeat(24));
  expect(names("ж")[0]).toBe("u-3abcde");
  for (const name of names("!")) expect(name).toMatch(/^[a-z0-9][a-z0-9._-]{1,31}$/);
});

test("a display name is the first that says anything", () => {
  const person = { slackId: "U1", name: "ada" };
  expect(displayNameFor({ ...person, displayName: "Ada", realName: "Ada L" })).toBe("Ada");
  expect(displayNameFor({ ...person, displayName: "", realName: "Ada L" })).toBe("Ada L");
  expect(displayNameFor({ ...person, displayName: " " })).toBe("ada");
  expect(displayNameFor({ ...person, name: "" })).toBe("U1");
});
