import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { logMigrations } from "../../infra/eventLog/migrations.ts";
import { PostgresEventLog } from "../../infra/eventLog/postgresEventLog.ts";
import { migrate } from "../../infra/postgres/migrate.ts";
import { aGroup, aMessage } from "../../test/support/aGroup.ts";
import { aDeployment, answered, asks, recordedIn, send } from "../../test/support/engines.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { AddReaction } from "../conversation/addReaction.ts";
import { EditMessage } from "../conversation/editMessage.ts";
import { RemoveMember } from "../conversation/removeMember.ts";
import { SendMessage } from "../conversation/sendMessage.ts";
import { MarkRead } from "../receipts/mark.ts";

let db: FreshDatabase;
let logs: [PostgresEventLog, PostgresEventLog];
beforeAll(async () => {
  db = await freshDatabase();
  await migrate(db.database, logMigrations());
  logs = [new PostgresEventLog(db.url), new PostgresEventLog(db.url)];
});
afterAll(async () => {
  await Promise.all(logs.map((log) => log.close()));
  await db.drop();
});

/** Two processes on one database, and a group of Ada (owner) and Bo. */
async function aScene() {
  const deployment = aDeployment();
  const [ada, bo] = [deployment.account(), deployment.account()];
  const clock = { now: () => Date.now() };
  const [here, there] = [deployment.engine({ log: logs[0], clock }), deployment.engine({ log: logs[1], clock })];
  return { ...deployment, ada, bo, here, there, ...(await aGroup(here, ada, [bo])) };
}

const Sent = z.object({ seq: z.int(), position: z.int(), revision: z.int() });

test("two processes that send to one conversation at once give a dense seq, each message once, in the log's order", async () => {
  const { here, there, ada, bo, conversationId, stream } = await aScene();
  const sending = Array.from({ length: 100 }, (_, n) => {
    const said = { conversationId, messageId: crypto.randomUUID(), text: `message ${n}` };
    const [engine, by] = n % 2 ? [here, asks(ada)] : [there, asks(bo)];
    return Promise.all([send(engine, SendMessage, said, by), send(n % 3 ? here : there, SendMessage, said, by)]);
  });
  const answers = await Promise.all(sending);
  for (const [first, again] of answers) expect(again).toEqual(first);
  const sent = answers.map(([first]) => Sent.parse(answered(first))).sort((one, other) => one.seq - other.seq);
  expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, index) => index + 1));
  expect(sent.map(({ position }) => position)).toEqual(sent.map(({ position }) => position).sort((a, b) => a - b));
  const recorded = (await recordedIn(logs[0], stream)).filter(({ type }) => type === "MessageSent");
  expect(recorded.map(({ position }) => position)).toEqual(sent.map(({ position }) => position));
});

test("a change that is there already says where it was made, in a long conversation, too", async () => {
  const { here, there, ada, conversationId } = await aScene();
  const messageId = await aMessage(here, conversationId, ada);
  const react = () => send(there, AddReaction, { conversationId, messageId, emoji: "👍" }, asks(ada));
  const first = await react();
  await Promise.all(Array.from({ length: 300 }, () => aMessage(here, conversationId, ada)));
  expect(await react()).toEqual(first);
});

test("an edit finds the message's text, opens it, and changes nothing where it is equal", async () => {
  const { here, there, ada, conversationId } = await aScene();
  const messageId = await aMessage(here, conversationId, ada, "at five");
  const edit = (text: string) => send(there, EditMessage, { conversationId, messageId, text }, asks(ada));
  const first = await edit("at six");
  expect(await edit("at six")).toEqual(first);
  expect(await edit("at five")).not.toEqual(first);
});

test("a removal and the sends that race with it have one cut-off in the log", async () => {
  const { here, there, ada, bo, conversationId, stream } = await aScene();
  const outcomes = Promise.all(
    Array.from({ length: 60 }, () =>
      send(here, SendMessage, { conversationId, messageId: crypto.randomUUID(), text: "still here" }, asks(bo)),
    ),
  );
  answered(await send(there, RemoveMember, { conversationId, userId: bo }, asks(ada)));
  const acknowledged = (await outcomes).filter((outcome) => "body" in outcome);
  const recorded = await recordedIn(logs[0], stream);
  const cutOff = recorded.findIndex(({ type }) => type === "MemberRemoved");
  const sent = recorded.flatMap(({ type }, at) => (type === "MessageSent" ? [at] : []));
  expect(sent).toHaveLength(acknowledged.length);
  for (const at of sent) expect(at).toBeLessThan(cutOff);
});

test("marks of two processes meet in one stream", async () => {
  const { here, there, ada, bo, conversationId } = await aScene();
  for (let n = 0; n < 3; n++) await aMessage(here, conversationId, ada);
  const marks = [here, there, here, there].map((engine, n) =>
    MarkRead.run({ conversationId, seq: 1 + (n % 3) }, asks(n % 2 ? ada : bo), engine),
  );
  for (const outcome of await Promise.all(marks)) expect("body" in outcome).toBe(true);
});
