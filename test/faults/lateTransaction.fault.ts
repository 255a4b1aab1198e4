import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { APPEND, appendParameters } from "../../infra/eventLog/appendCall.ts";
import type { Actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { commandOf, conversationStream } from "./harness/ownLog.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 4: a transaction takes an early position and commits late, while others write. */
const random = randomFrom(seedOfRun());

let it: Installation;
let services: Service[];
let [ada, bo]: Actor[] = [];
beforeAll(async () => {
  it = await installation();
  services = [await it.service(), await it.service()];
  const [one, two] = services;
  if (!one || !two) throw new Error("nobody serves");
  [ada, bo] = [await it.person("ada", one), await it.person("bo", two)];
});
afterAll(() => it?.close());

test("a late commit is skipped by nobody: readers at both servers see it, and what came meanwhile, in one order", async () => {
  const [one, two] = services;
  if (!ada || !bo || !one || !two) throw new Error("nobody is here");
  const [early, late] = [await tableOf([ada, bo], random, "early"), await tableOf([ada, bo], random, "late")];
  const sent = await say(ada, early, "hello", random);
  const devices = [it.device(bo, "bo at one"), it.device(bo, "bo at two")];
  await Promise.all([devices[0]?.connect(one.url()), devices[1]?.connect(two.url())]);

  // A server of another kind, in the middle of an append: its position is taken, its commit is to come.
  const slow = new Client({ connectionString: it.postgres.url() });
  await slow.connect();
  await slow.query("begin");
  const reaction = { target: sent.messageId ?? "", seq: 1, emoji: "👍", userId: bo.userId };
  const fact = { type: "ReactionAdded", version: 1, data: reaction, target: sent.messageId ?? "" };
  const key = random.uuid();
  const append = {
    stream: conversationStream(early),
    expected: sent.answer?.revision ?? 0,
    commands: [commandOf([fact], key)],
  };
  // Somebody did ask for it: by another program.
  it.recorder.attempts.push({
    ...{
      userId: bo.userId,
      name: "AddReaction",
      conversationId: early,
      commandId: key,
      messageId: sent.messageId ?? "",
    },
    ...{ invokedAt: it.recorder.moment(), outcome: "unknown" },
  });
  await slow.query(APPEND, appendParameters([append], null, { head: 0, epoch: 1 }));

  const [by, other] = [ada, bo];
  const meanwhile = Array.from({ length: 20 }, (_, n) => say(n % 2 ? by : other, late, `meanwhile ${n}`, random));
  // Both wait for it. Were there a way past it, what came meanwhile would be answered, and then seen before it.
  let answered = 0;
  for (const one of meanwhile) void one.then(() => answered++);
  await until(async () => {
    const { rows } = await slow.query("select from pg_stat_activity where wait_event_type = 'Lock'");
    return rows.length >= 2 || answered === meanwhile.length;
  }, "both servers behind the slow one, or past it");
  await slow.query("commit");
  await slow.end();
  const answers = await Promise.all(meanwhile);
  expect(answers.map(({ outcome }) => outcome)).toEqual(answers.map(() => "ok"));
  const entries = await it.log();
  const position = entries.find(({ commandId }) => commandId === key)?.position ?? 0;
  expect(position).toBeLessThan(Math.min(...answers.map(({ answer }) => answer?.position ?? 0)));

  const seen = () =>
    devices.map(({ state }) => ({
      reaction: state.conversations.get(early)?.messages.get(sent.messageId ?? "")?.reactions.length,
      messages: state.conversations.get(late)?.messages.size,
    }));
  await until(
    () => seen().every(({ reaction, messages }) => reaction === 1 && messages === 20),
    "all of it on both devices",
  );
  for (const device of devices) expect(device.state.gaps()).toEqual([]);
  expect(await it.judge()).toEqual([]);
});
