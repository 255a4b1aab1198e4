import { describe, expect, test } from "vitest";
import { type Entry, Outbox } from "./outbox.ts";
import { ScriptaError } from "./problem.ts";

/** A server's end that answers when told to. */
function wire() {
  const sent: { entry: Entry; answer: (position?: number) => void; fail: (error: ScriptaError) => void }[] = [];
  const rejected: string[] = [];
  const outbox = new Outbox({
    deliver: (entry) =>
      new Promise((resolve, fail) => sent.push({ entry, answer: (position = 1) => resolve({ position }), fail })),
    onChange: () => undefined,
    onRejected: ({ id }) => rejected.push(id),
  });
  const next = async () => {
    await expect.poll(() => sent.length, { interval: 5 }).toBeGreaterThan(0);
    const first = sent.shift();
    if (!first) throw new Error("nothing was sent");
    return first;
  };
  return { outbox, next, sent, rejected };
}

const send = (outbox: Outbox, id: string, conversationId = "tea") =>
  outbox.add("SendMessage", { conversationId, messageId: id, kind: "text", text: id }, id);
const lostAnswer = () => new ScriptaError("network", "lost");

describe("the outbox", () => {
  test("keeps the order within a conversation, and lets another conversation pass", async () => {
    const { outbox, next, sent } = wire();
    void send(outbox, "one");
    void send(outbox, "two");
    void send(outbox, "elsewhere", "walk");
    const first = await next();
    expect(first.entry.id).toBe("one");
    expect((await next()).entry.id).toBe("elsewhere");
    expect(sent).toEqual([]);
    first.answer();
    expect((await next()).entry.id).toBe("two");
  });

  test("sends again with the same id until there is an answer", async () => {
    const { outbox, next } = wire();
    const answer = send(outbox, "one");
    (await next()).fail(lostAnswer());
    outbox.open();
    const again = await next();
    expect(again.entry.id).toBe("one");
    again.answer(7);
    expect(await answer).toEqual({ position: 7 });
    expect(outbox.waiting).toEqual([]);
  });

  test("gives up what the server refuses, and goes on with the next", async () => {
    const { outbox, next, rejected } = wire();
    const refused = send(outbox, "one");
    void send(outbox, "two");
    (await next()).fail(new ScriptaError("forbidden", "no"));
    await expect(refused).rejects.toThrow("no");
    expect(rejected).toEqual(["one"]);
    expect((await next()).entry.id).toBe("two");
  });

  test("of marks that wait only the highest goes, and answers for all", async () => {
    const { outbox, next, sent } = wire();
    const read = (seq: number) => outbox.add("MarkRead", { conversationId: "tea", seq }, `mark ${seq}`);
    const answers = [read(1), read(2), read(3)];
    const first = await next();
    expect(first.entry.payload).toMatchObject({ seq: 1 });
    first.answer(1);
    const last = await next();
    expect(last.entry.payload).toMatchObject({ seq: 3 });
    last.answer(3);
    expect(await Promise.all(answers)).toEqual([{ position: 1 }, { position: 3 }, { position: 3 }]);
    expect(sent).toEqual([]);
  });

  test("lets nothing out while it is closed", async () => {
    const { outbox, next, sent } = wire();
    outbox.close();
    void send(outbox, "one");
    expect(sent).toEqual([]);
    outbox.open();
    expect((await next()).entry.id).toBe("one");
  });

  test("after a restart it goes on where it was", async () => {
    const { outbox } = wire();
    outbox.close();
    void send(outbox, "one");
    void send(outbox, "two");
    const after = wire();
    after.outbox.restore({ waiting: outbox.waiting, settled: outbox.settled });
    const first = await after.next();
    expect(first.entry.id).toBe("one");
    first.answer();
    expect((await after.next()).entry.id).toBe("two");
  });

  test("what was acknowledged lately goes again before what waits, when a server lost its tail", async () => {
    const { outbox, next } = wire();
    for (const id of ["one", "two"]) {
      const answered = send(outbox, id);
      (await next()).answer();
      await answered;
    }
    outbox.close();
    void send(outbox, "three");
    outbox.repeatSettled();
    outbox.open();
    for (const id of ["one", "two", "three"]) {
      const again = await next();
      expect(again.entry.id).toBe(id);
      again.answer();
    }
    await expect.poll(() => outbox.settled.map(({ id }) => id)).toEqual(["one", "two", "three"]);
  });

  test("of what goes again, a conversation is made before anything is said in it, and what others make is waited for", async () => {
    const { outbox, next, sent, rejected } = wire();
    const made = outbox.add("CreateConversation", { kind: "group", name: "Tea", members: [] }, "made");
    (await next()).answer();
    await made;
    for (const [id, where] of [
      ["said", "tea"],
      ["elsewhere", "made by somebody else"],
    ] as const) {
      const answered = send(outbox, id, where);
      (await next()).answer();
      await answered;
    }
    outbox.repeatSettled();
    const first = await next();
    expect([first.entry.id, sent]).toEqual(["made", []]);
    first.answer();
    for (const { entry, answer, fail } of [await next(), await next()]) {
      if (entry.id === "said") answer();
      else fail(new ScriptaError("not-found", "nobody made it again yet"));
    }
    outbox.open();
    const again = await next();
    expect([again.entry.id, rejected]).toEqual(["elsewhere", []]);
    again.answer();
  });
});
