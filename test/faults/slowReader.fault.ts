import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, insist } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import type { RecordedDevice } from "./harness/recordedDevice.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 15: readers that take nothing off their sockets, while much is written. */
const random = randomFrom(seedOfRun());
const SLOW = 12;
const TEXT_BYTES = 16_000;
const MESSAGES = 2_400;

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
const slow: RecordedDevice[] = [];
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  [ada, bo] = [await it.person("ada", service), await it.person("bo", service)];
});
afterAll(() => it?.close());

/** Bytes of memory that a process has, as the kernel counts them. */
async function residentBytes(pid = 0): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

async function servedSockets(): Promise<number> {
  const metrics = await (await fetch(`${service.url()}/metrics`)).text();
  return Number(/^scripta_sockets (\d+)$/m.exec(metrics)?.[1]);
}

/** What was sent before, and then why no more comes: whoever does not read that within 30 s is cut off without it. */
async function readWhy(): Promise<void> {
  for (const device of slow) device.socket()?.resume();
  await until(() => slow.every((device) => !device.live()), "the slow readers' sockets closed");
  expect(slow.map((device) => device.closeCode())).toEqual(slow.map(() => 4008));
}

test("are let go with a code that says resume, take bounded memory, and resume without a gap; others notice nothing", async () => {
  if (!ada || !bo) throw new Error("nobody is here");
  const [by, reader] = [ada, bo];
  const tea = await tableOf([by, reader], random);
  const text = () => randomBytes(TEXT_BYTES / 2).toString("hex");
  const quick = it.device(by, "ada's phone");
  await quick.connect(service.url());
  for (let n = 0; n < SLOW; n++) {
    // Of several people, since of one device five sockets are kept.
    const person = await it.person(`slow${n}`, service);
    await insist(() => by.command("AddMember", { conversationId: tea, userId: person.userId }, random.uuid()));
    const device = it.device(person, `slow ${n}`);
    slow.push(device);
    await device.connect(service.url());
  }
  const { pid } = service.process().child;
  await say(by, tea, text(), random);
  const before = await residentBytes(pid);
  for (const device of slow) device.socket()?.pause();
  let most = 0;
  let served = SLOW + 1;
  for (let sent = 0; sent < MESSAGES; sent += 40) {
    const round = await Promise.all(Array.from({ length: 40 }, () => say(by, tea, text(), random)));
    expect(round.map(({ outcome }) => outcome)).toEqual(round.map(() => "ok"));
    most = Math.max(most, await residentBytes(pid));
    if (served === 1) continue;
    // While they still take nothing: the server has let go of them, and not only they of it.
    served = await servedSockets();
    if (served === 1) await readWhy();
  }
  expect(served).toBe(1);
  const last = it.recorder.attempts.at(-1);
  await until(
    () => quick.state.conversations.get(tea)?.messages.has(last?.messageId ?? ""),
    "the last message on the quick device",
  );
  expect(quick.live()).toBe(true);
  console.info(
    `memory rose by ${Math.round((most - before) / 2 ** 20)} MiB for ${SLOW} readers, ${(MESSAGES * TEXT_BYTES * SLOW) / 2 ** 20} MiB behind`,
  );
  expect(most - before).toBeLessThan((SLOW * 8 + 240) * 2 ** 20);

  for (const device of slow) expect(await device.connect(service.url())).toBe(true);
  await until(
    () => slow.every(({ state }) => state.conversations.get(tea)?.messages.has(last?.messageId ?? "")),
    "the last message on all",
  );
  it.recorder.devices.push(...[quick, ...slow].map((device) => device.holding()));
  expect(await it.judge()).toEqual([]);
});
