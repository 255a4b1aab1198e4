import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { streamId } from "../../domain/ids.ts";
import { apiOf, group, type Person, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { exportLog } from "./export.ts";
import { resumePoint } from "./resumePoint.ts";
import { logStats } from "./stats.ts";

const SECRET = "a word that nobody may read";
let server: Awaited<ReturnType<typeof startInProcess>>;
let folder: string;
let ada: Person;
let tea: string;
let environment: Record<string, string>;
beforeAll(async () => {
  server = await startInProcess();
  folder = await mkdtemp(join(tmpdir(), "scripta-log-"));
  ada = await apiOf(server.url).person("ada");
  tea = await group(ada);
  for (let seq = 1; seq <= 5; seq++) await send(ada, tea, SECRET);
  environment = {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: server.running.foundation.config.postgres ?? "",
  };
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const database = () => server.running.foundation.database;
const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");
const Exported = z.object({
  position: z.number(),
  stream: z.string(),
  type: z.string(),
  data: z.string(),
  sealed: z.object({ subject: z.string(), bucket: z.string(), bytes: z.base64() }).nullable(),
});

async function whole(): Promise<string> {
  const texts: string[] = [];
  const { position: upTo } = await server.running.foundation.log.head();
  const write = async (text: string) => texts.push(text) > 0;
  const exported = await exportLog(database(), { begin: 1, upTo, write, step: () => {} });
  const text = texts.join("");
  expect(exported).toEqual({
    events: linesOf(text).length,
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
    next: upTo + 1,
  });
  return text;
}

test("an export holds every event byte for byte, and nothing personal in clear", async () => {
  const text = await whole();
  expect(text).not.toContain(SECRET);
  const events = linesOf(text).map((line) => Exported.parse(JSON.parse(line)));
  const { rows } = await database().query<{ position: number; data: string; sealed: Buffer | null }>(
    "select position, data::text as data, sealed from log.events order by position",
  );
  expect(events.map(({ position, data, sealed }) => ({ position, data, sealed: sealed?.bytes ?? null }))).toEqual(
    rows.map((row) => ({ ...row, sealed: row.sealed?.toString("base64") ?? null })),
  );
});

test("an export that was cut anywhere goes on where it ends", async () => {
  const text = await whole();
  const path = join(folder, "events.jsonl");
  const { position: upTo } = await server.running.foundation.log.head();
  for (const kept of [0, 7, 60, Math.floor(text.length / 2), Buffer.byteLength(text) - 1, Buffer.byteLength(text)]) {
    await writeFile(path, text);
    await truncate(path, kept);
    const file = await open(path, "a+");
    const write = async (more: string) => file.appendFile(more).then(() => true);
    await exportLog(database(), { begin: await resumePoint(file, path, undefined), upTo, write, step: () => {} });
    await file.close();
    expect({ kept, whole: (await readFile(path, "utf8")) === text }).toEqual({ kept, whole: true });
  }
});

test("an export goes on beside a running service, and into nothing that is none", async () => {
  const text = await whole();
  const path = join(folder, "cut.jsonl");
  await writeFile(path, text.slice(0, 1_000));
  const { code, stderr } = await scripta(["log", "export", path], environment).ended;
  expect([code, stderr, await readFile(path, "utf8")]).toEqual([0, expect.any(String), text]);

  await writeFile(path, "something else\n");
  const refused = await scripta(["log", "export", path], environment).ended;
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("is no export of the log")]);
  expect(await readFile(path, "utf8")).toBe("something else\n");
}, 60_000);

test("statistics add up to the log", async () => {
  const stats = await logStats(database());
  const { position } = await server.running.foundation.log.head();
  const [exact] = (
    await database().query<{ data: number; meta: number; sealed: number }>(
      `select sum(octet_length(data::text))::bigint as data, sum(octet_length(meta::text))::bigint as meta,
         sum(octet_length(sealed))::bigint as sealed from log.events`,
    )
  ).rows;
  expect(stats).toMatchObject({ epoch: 1, events: position, bytes: exact, last: { position } });
  expect(stats.types.find(({ type }) => type === "MessageSent")).toMatchObject({ version: 1, events: 5 });
  const sum = (of: readonly { events: number }[]) => of.reduce((total, { events }) => total + events, 0);
  expect([sum(stats.types), sum(stats.days)]).toEqual([position, position]);
  expect(stats.streams).toContainEqual({ tenant: "main", kind: "conversation", streams: 1 });
});

test("tail shows the last events, then what comes, of one stream or all", async () => {
  const stream = streamId("main", "conversation", tea);
  const last = await scripta(["log", "tail", "--lines", "2"], environment).ended;
  expect([last.code, linesOf(last.stdout).length]).toEqual([0, 2]);
  expect(last.stdout).toMatch(/MessageSent v1 .*"seq":5.* sealed: \d+ bytes of/);
  expect(last.stdout).not.toContain(SECRET);

  const following = scripta(["log", "tail", "--follow", "--json", "--stream", stream, "--lines", "1"], environment);
  await expect.poll(following.output, { timeout: 15_000 }).toContain('"seq":5');
  await send(ada, tea, SECRET);
  await expect.poll(following.output, { timeout: 15_000 }).toContain('"seq":6');
  following.child.kill("SIGINT");
  const { code, stdout } = await following.ended;
  const events = linesOf(stdout).map((line) => z.object({ stream: z.string() }).parse(JSON.parse(line)));
  expect([code, events]).toEqual([0, [{ stream }, { stream }]]);
}, 60_000);

test("a flag that is no number, and a stream that is none, are refused by name", async () => {
  const number = await scripta(["log", "tail", "--from", "yesterday"], environment).ended;
  expect([number.code, number.stderr]).toEqual([1, expect.stringContaining("--from takes a whole number")]);
  const stream = await scripta(["log", "tail", "--stream", "tea"], environment).ended;
  expect([stream.code, stream.stderr]).toEqual([1, expect.stringContaining("tea is no stream")]);
}, 30_000);
