import { expect, test } from "vitest";
import { z } from "zod";
import { ConversationRenamed, MessageSent } from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import type { Reply } from "../../infra/ports/door.ts";
import { LogUnavailable, type NewEvent, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { destroyed, KeysUnavailable, type SecretStore } from "../../infra/ports/secrets.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { aGroup, aMessage } from "../../test/support/aGroup.ts";
import { aDeployment, alteredLog, answered, asks, recordedIn, send } from "../../test/support/engines.ts";
import { command } from "../command.ts";
import { AddMember } from "../conversation/addMember.ts";
import { AddReaction } from "../conversation/addReaction.ts";
import { conversation } from "../conversation/aggregate.ts";
import { ChangeMemberRole } from "../conversation/changeMemberRole.ts";
import { EditMessage } from "../conversation/editMessage.ts";
import { RemoveMember } from "../conversation/removeMember.ts";
import { SendMessage } from "../conversation/sendMessage.ts";
import { UpdateConversation } from "../conversation/updateConversation.ts";
import { MarkRead } from "../receipts/mark.ts";
import { RegisterUser } from "../user/registerUser.ts";
import { UpdateProfile } from "../user/updateProfile.ts";

/** A group of Ada (owner) and Bo in a deployment of two processes. */
async function aScene() {
  const deployment = aDeployment();
  const [ada, bo, cy] = [deployment.account(), deployment.account(), deployment.account()];
  const here = deployment.engine();
  const there = deployment.engine();
  return { ...deployment, ada, bo, cy, here, there, ...(await aGroup(here, ada, [bo])) };
}

const hello = (conversationId: string) => ({ conversationId, messageId: crypto.randomUUID(), text: "hello" });
const revisionOf = (outcome: Reply<unknown> | Rejection) =>
  z.object({ revision: z.int() }).parse(answered(outcome)).revision;

/** A log that does something else at the n-th append (from 1), and then is as it was. */
function appendAltered(
  log: ReturnType<typeof aDeployment>["log"],
  nth: number,
  alter: (append: () => ReturnType<typeof log.append>) => ReturnType<typeof log.append>,
) {
  let count = 0;
  return alteredLog(log, {
    append: (stream, expected, commands) => {
      const append = () => log.append(stream, expected, commands);
      return ++count === nth ? alter(append) : append();
    },
  });
}

const lostAfter = async (append: () => Promise<unknown>): Promise<never> => {
  await append();
  throw new UnknownOutcome("the link broke");
};

test("what another process wrote meanwhile is loaded, and the command decided again on it", async () => {
  const { here, there, ada, cy, conversationId, log, stream } = await aScene();
  answered(await send(here, SendMessage, hello(conversationId), asks(ada)));
  answered(await send(there, AddMember, { conversationId, userId: cy }, asks(ada)));
  answered(await send(here, SendMessage, hello(conversationId), asks(ada)));
  answered(await send(there, SendMessage, hello(conversationId), asks(cy)));
  const revisions = (await recordedIn(log, stream)).map(({ revision }) => revision);
  expect(revisions).toEqual(revisions.map((_, index) => index));
});

test("nobody is refused on what was so before: a member whom another process just added may speak", async () => {
  const { here, there, ada, cy, conversationId } = await aScene();
  expect(await send(here, SendMessage, hello(conversationId), asks(cy))).toMatchObject({ rejected: "not-found" });
  answered(await send(there, AddMember, { conversationId, userId: cy }, asks(ada)));
  answered(await send(here, SendMessage, hello(conversationId), asks(cy)));
});

test("nobody is let in on what was so before: whom another process removed says nothing more", async () => {
  const { here, there, ada, bo, conversationId } = await aScene();
  await aMessage(here, conversationId, bo);
  answered(await send(there, RemoveMember, { conversationId, userId: bo }, asks(ada)));
  expect(await send(here, SendMessage, hello(conversationId), asks(bo))).toMatchObject({ rejected: "not-found" });
});

test("whom another process removed marks nothing more, a second later at the latest", async () => {
  const { here, there, ada, bo, conversationId } = await aScene();
  await aMessage(here, conversationId, ada);
  answered(await send(there, RemoveMember, { conversationId, userId: bo }, asks(ada)));
  const mark = MarkRead.payload.parse({ conversationId, seq: 1 });
  await expect
    .poll(() => MarkRead.run(mark, asks(bo), here), { timeout: 5_000 })
    .toMatchObject({ rejected: "not-found" });
});

test("an append whose answer was lost after the commit is found again: one event, the usual answer", async () => {
  const { engine, log, ada, conversationId, stream } = await aScene();
  const cut = engine({ log: appendAltered(log, 1, lostAfter) });
  const said = hello(conversationId);
  const answer = await send(cut, SendMessage, said, asks(ada));
  expect(await send(engine(), SendMessage, said, asks(ada))).toEqual(answer);
  expect((await recordedIn(log, stream)).filter(({ target }) => target === said.messageId)).toHaveLength(1);
});

test("a change without a key, whose answer was lost, is not refused for having been done", async () => {
  const { engine, log, ada, bo, conversationId, stream } = await aScene();
  const length = (await recordedIn(log, stream)).length;
  const cut = engine({ log: appendAltered(log, 1, lostAfter) });
  expect(revisionOf(await send(cut, RemoveMember, { conversationId, userId: bo }, asks(ada)))).toBe(length);
  const again = engine({ log: appendAltered(log, 1, lostAfter) });
  answered(await send(again, AddMember, { conversationId, userId: bo }, asks(ada)));
  const leaving = engine({ log: appendAltered(log, 1, lostAfter) });
  answered(await send(leaving, RemoveMember, { conversationId, userId: bo }, asks(bo)));
  expect(await recordedIn(log, stream)).toHaveLength(length + 3);
});

test("an append that was never committed is made again", async () => {
  const { engine, log, ada, conversationId, stream } = await aScene();
  const cut = engine({
    log: appendAltered(log, 1, async () => {
      throw new UnknownOutcome("the link broke");
    }),
  });
  const said = hello(conversationId);
  answered(await send(cut, SendMessage, said, asks(ada)));
  expect((await recordedIn(log, stream)).filter(({ target }) => target === said.messageId)).toHaveLength(1);
});

test("while the log takes nothing, commands are refused as unavailable, and taken again afterwards", async () => {
  const { engine, log, ada, conversationId, stream } = await aScene();
  const failing = engine({
    log: appendAltered(log, 1, async () => {
      throw new LogUnavailable("the log does not answer");
    }),
  });
  expect(await send(failing, SendMessage, hello(conversationId), asks(ada))).toMatchObject({ rejected: "unavailable" });
  const length = (await recordedIn(log, stream)).length;
  expect(revisionOf(await send(failing, SendMessage, hello(conversationId), asks(ada)))).toBe(length);
});

test("whoever waits has an answer by the deadline, even while an append hangs, and the mailbox goes on after it", async () => {
  const { engine, log, ada, conversationId, stream } = await aScene();
  const hanging = Promise.withResolvers<void>();
  const stuck = engine({
    limits: { deadlineMs: 50 },
    log: appendAltered(log, 1, async (append) => {
      await hanging.promise;
      return append();
    }),
  });
  const said = hello(conversationId);
  const taken = send(stuck, SendMessage, said, asks(ada));
  await new Promise(setImmediate);
  const queued = send(stuck, SendMessage, hello(conversationId), asks(ada));
  for (const outcome of await Promise.all([taken, queued])) expect(outcome).toMatchObject({ rejected: "unavailable" });
  hanging.resolve();
  await expect.poll(() => send(stuck, SendMessage, said, asks(ada))).toMatchObject({ body: { seq: 1 } });
  const next = hello(conversationId);
  await expect
    .poll(() => send(stuck, SendMessage, next, asks(ada)))
    .toMatchObject({ body: { messageId: next.messageId } });
  const sent = (await recordedIn(log, stream)).filter(({ type }) => type === MessageSent.type);
  expect(sent.map(({ target }) => target)).toEqual([said.messageId, next.messageId]);
});

test("a mailbox takes as many commands as may wait in it, and refuses the rest at once", async () => {
  const { engine, ada, conversationId, log, stream } = await aScene();
  const length = (await recordedIn(log, stream)).length;
  const crowded = engine({ limits: { queue: 10, turn: 4 } });
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, () => send(crowded, SendMessage, hello(conversationId), asks(ada))),
  );
  const refused = outcomes.filter(isRejection);
  expect(new Set(refused.map(({ rejected }) => rejected))).toEqual(new Set(["unavailable"]));
  expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(10);
  expect((await recordedIn(log, stream)).length - length).toBe(outcomes.length - refused.length);
});

test("10,000 messages sent at once stand in the order in which they came", async () => {
  const { engine, ada, conversationId } = await aScene();
  const wide = engine({ limits: { queue: 10_000, deadlineMs: 60_000 } });
  const outcomes = await Promise.all(
    Array.from({ length: 10_000 }, () => send(wide, SendMessage, hello(conversationId), asks(ada))),
  );
  const Seq = z.object({ seq: z.int() });
  expect(outcomes.map((outcome) => Seq.parse(answered(outcome)).seq)).toEqual(outcomes.map((_, index) => index + 1));
});

const withMember = { conversationId: z.uuid() };
const broken = (name: string, decide: () => ReturnType<typeof MessageSent>[]) =>
  command({
    name,
    route: "POST /broken",
    summary: "Breaks.",
    status: 200,
    on: conversation,
    payload: z.strictObject(withMember),
    result: z.object({}),
    id: ({ conversationId }) => conversationId,
    decide,
    answer: () => ({}),
  });
const Throwing = broken("Throwing", () => {
  throw new Error("a mistake of ours");
});
const target = crypto.randomUUID();
const Misshapen = broken("Misshapen", () => [
  MessageSent({ target, seq: -5, authorId: target, kind: "text", sentAt: "today" }, { text: "?" }),
]);

test.each([
  [Throwing, "a mistake of ours"],
  [Misshapen, "MessageSent was decided, but is not of its shape"],
])(
  "a command that breaks fails alone: those beside it are answered, and nothing of it is recorded",
  async (breaking, why) => {
    const { here, ada, conversationId, log, stream } = await aScene();
    const length = (await recordedIn(log, stream)).length;
    const good = () => send(here, SendMessage, hello(conversationId), asks(ada));
    const bad = () => send(here, breaking, { conversationId }, asks(ada)).catch((error: unknown) => String(error));
    const [first, failed, second, failedToo, third] = await Promise.all([good(), bad(), good(), bad(), good()]);
    expect([failed, failedToo]).toEqual([expect.stringContaining(why), expect.stringContaining(why)]);
    expect([first, second, third].map((outcome) => outcome && revisionOf(outcome))).toEqual([
      length,
      length + 1,
      length + 2,
    ]);
    expect(await recordedIn(log, stream)).toHaveLength(length + 3);
  },
);

test("a state is not dirtied by an append that failed", async () => {
  const { engine, log, ada, cy, conversationId } = await aScene();
  const failing = engine({
    log: appendAltered(log, 1, async () => {
      throw new LogUnavailable("the log does not answer");
    }),
  });
  expect(await send(failing, AddMember, { conversationId, userId: cy }, asks(ada))).toMatchObject({
    rejected: "unavailable",
  });
  expect(await send(failing, SendMessage, hello(conversationId), asks(cy))).toMatchObject({ rejected: "not-found" });
});

test("commands that wait together meet what those before them led to", async () => {
  const { here, ada, bo, cy, conversationId } = await aScene();
  const first = hello(conversationId);
  const reply = { ...hello(conversationId), threadRoot: first.messageId };
  const outcomes = await Promise.all([
    send(here, SendMessage, hello(conversationId), asks(ada)),
    send(here, SendMessage, first, asks(ada)),
    send(here, SendMessage, reply, asks(bo)),
    send(here, AddReaction, { conversationId, messageId: first.messageId, emoji: "👍" }, asks(bo)),
    send(here, EditMessage, { conversationId, messageId: first.messageId, text: "hello!" }, asks(ada)),
    send(here, AddMember, { conversationId, userId: cy }, asks(ada)),
    send(here, SendMessage, { ...hello(conversationId), mentions: [cy] }, asks(bo)),
    send(here, SendMessage, hello(conversationId), asks(cy)),
    send(here, ChangeMemberRole, { conversationId, userId: cy, role: "admin" }, asks(ada)),
    send(here, RemoveMember, { conversationId, userId: bo }, asks(cy)),
  ]);
  for (const outcome of outcomes) answered(outcome);
});

test("whoever is let in by a command that waits beside has all that the next command needs", async () => {
  const { here, account, ada, cy, conversationId } = await aScene();
  const dee = account();
  const outcomes = await Promise.all([
    send(here, SendMessage, hello(conversationId), asks(ada)),
    send(here, AddMember, { conversationId, userId: cy, role: "admin" }, asks(ada)),
    send(here, AddMember, { conversationId, userId: dee }, asks(cy)),
  ]);
  for (const outcome of outcomes) answered(outcome);
});

test("a name that is set twice at once is set once, and a profile can change twice at once", async () => {
  const { here, ada, cy, conversationId, log, stream } = await aScene();
  const rename = () => send(here, UpdateConversation, { conversationId, name: "tea" }, asks(ada));
  const [, one, other] = await Promise.all([
    send(here, SendMessage, hello(conversationId), asks(ada)),
    rename(),
    rename(),
  ]);
  expect(other).toEqual(one);
  const renamed = (await recordedIn(log, stream)).filter(({ type }) => type === ConversationRenamed.type);
  expect(renamed).toHaveLength(2);

  answered(await send(here, RegisterUser, { username: "cy", displayName: "Cy", imported: false }, asks(cy)));
  const changes = ["Cyn", "Cynthia", "Cynthia M."].map((displayName) =>
    send(here, UpdateProfile, { displayName }, asks(cy)),
  );
  for (const outcome of await Promise.all(changes)) answered(outcome);
});

test("the content of a day is sealed again when the log is in another one, whichever of the clocks is ahead", async () => {
  const { engine, log, clock, ada, conversationId, stream } = await aScene();
  const day = 86_400_000;
  for (const ahead of [day, 10 * day, -10 * day]) {
    const skewed = engine({ clock: { now: () => clock.ms + ahead } });
    answered(await send(skewed, SendMessage, hello(conversationId), asks(ada)));
    expect((await recordedIn(log, stream)).at(-1)?.sealed?.bucket).toBe(new Date(clock.ms).toISOString().slice(0, 10));
  }
});

test("whoever was erased can neither send nor edit: erased, and the others go on", async () => {
  const { here, secrets, ada, bo, conversationId } = await aScene();
  const messageId = await aMessage(here, conversationId, bo);
  await here.sealing.destroy([{ tenant: "main", of: bo }]);
  expect((await secrets.get([{ tenant: "main", of: bo }]))[0]).toBe(destroyed);
  const [fine, edited, sent] = await Promise.all([
    send(here, SendMessage, hello(conversationId), asks(ada)),
    send(here, EditMessage, { conversationId, messageId, text: "still here" }, asks(bo)),
    send(here, SendMessage, hello(conversationId), asks(bo)),
  ]);
  answered(fine);
  expect(edited).toMatchObject({ rejected: "erased" });
  expect(sent).toMatchObject({ rejected: "erased" });
  answered(await send(here, SendMessage, hello(conversationId), asks(ada)));
});

test("while the keys cannot be had nothing personal is taken, never as erased, and a stranger is still told nothing", async () => {
  const { engine, secrets, here, ada, cy, conversationId } = await aScene();
  const messageId = await aMessage(here, conversationId, ada);
  const down = async () => {
    throw new KeysUnavailable("the key store does not answer");
  };
  const store: SecretStore = { ...secrets, ensure: down, get: down, ledger: down };
  const locked = engine({ sealing: createSealing({ secrets: store }) });
  const edit = { conversationId, messageId, text: "hello!" };
  expect(await send(locked, SendMessage, hello(conversationId), asks(ada))).toMatchObject({ rejected: "unavailable" });
  expect(await send(locked, EditMessage, edit, asks(ada))).toMatchObject({ rejected: "unavailable" });
  expect(await send(locked, EditMessage, edit, asks(cy))).toMatchObject({ rejected: "not-found" });
  answered(await send(locked, AddReaction, { conversationId, messageId, emoji: "👍" }, asks(ada)));
});

const fromTomorrow: NewEvent = {
  type: "MessagePinned",
  version: 1,
  target: null,
  data: "{}",
  meta: "{}",
  sealed: null,
};

test.each([fromTomorrow, { ...fromTomorrow, type: "MessageSent", version: 9 }])(
  "where a newer version wrote ($type v$version), this one decides nothing",
  async (event) => {
    const { here, ada, conversationId, log, stream } = await aScene();
    await aMessage(here, conversationId, ada);
    const recorded = await recordedIn(log, stream);
    const commandId = crypto.randomUUID();
    await log.append(stream, recorded.length - 1, [
      { commandId, actorId: ada, payloadHash: new Uint8Array(32), events: [event] },
    ]);
    expect(await send(here, SendMessage, hello(conversationId), asks(ada))).toMatchObject({ rejected: "unavailable" });
    expect(await recordedIn(log, stream)).toHaveLength(recorded.length + 1);
  },
);

test("of a conversation that never was, nothing can be had", async () => {
  const { here, ada, log } = await aScene();
  const nowhere = crypto.randomUUID();
  expect(await send(here, SendMessage, hello(nowhere), asks(ada))).toMatchObject({ rejected: "not-found" });
  expect(await recordedIn(log, streamId("main", "conversation", nowhere))).toEqual([]);
});

test("mailboxes that idle are forgotten beyond their number, and nothing is lost by it", async () => {
  const { engine, ada, bo } = await aScene();
  const small = engine({ limits: { mailboxes: 2 } });
  const groups = await Promise.all(Array.from({ length: 6 }, () => aGroup(small, ada, [bo])));
  for (const round of [1, 2, 3])
    for (const { conversationId } of groups)
      expect(await send(small, SendMessage, hello(conversationId), asks(bo))).toMatchObject({ body: { seq: round } });
});
