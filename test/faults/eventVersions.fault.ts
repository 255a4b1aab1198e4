import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { appendAsAnother } from "./harness/ownLog.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 23: events of an older program, of this one and of a newer one lie side by side. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  [ada, bo] = [await it.person("ada", service), await it.person("bo", service)];
});
afterAll(() => it?.close());

describe("versions of events side by side", () => {
  test("a conversation that an older program made goes on: its first version is lifted, and read like today's", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const old = random.uuid();
    const device = it.device(bo, "bo's phone");
    await device.connect(service.url());
    const member = (userId: string, role: string) => ({
      type: "MemberAdded",
      version: 1,
      data: { userId, role, afterSeq: 0 },
    });
    await appendAsAnother(it.postgres.url(), old, [
      // Of the time before conversations could choose what newcomers see.
      { type: "ConversationCreated", version: 1, data: { kind: "group" } },
      member(ada.userId, "owner"),
      member(bo.userId, "member"),
    ]);
    await until(() => device.state.conversations.get(old), "the old conversation on a device");
    expect(device.state.conversations.get(old)?.conversation.settings).toEqual({ historyVisibility: "joined" });
    const sent = await say(ada, old, "still going", random);
    expect(sent).toMatchObject({ outcome: "ok", answer: { seq: 1 } });
    expect((await bo.read(old, sent.answer?.position))?.messages).toMatchObject([{ text: "still going" }]);
    const added = await ada.command(
      "AddMember",
      { conversationId: old, userId: (await it.person("cy", service)).userId },
      random.uuid(),
    );
    expect(added.outcome).toBe("ok");
    const stored = (await it.log()).find(({ stream, revision }) => stream.endsWith(old) && revision === 0);
    expect(stored?.data).toEqual({ kind: "group" });
  });

  test("a newer version and an unknown type are kept as they are, through restarts and replays, and decided about by nobody", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const [newer, unknown] = [await tableOf([ada, bo], random, "newer"), await tableOf([ada, bo], random, "unknown")];
    const data = { target: random.uuid(), seq: 1, authorId: ada.userId, mood: "from a newer program" };
    await appendAsAnother(it.postgres.url(), newer, [{ type: "MessageSent", version: 99, data, target: data.target }]);
    await appendAsAnother(it.postgres.url(), unknown, [{ type: "PollOpened", version: 1, data: { options: [1, 2] } }]);
    for (const place of [newer, unknown])
      expect(await say(ada, place, "not before I know", random)).toMatchObject({
        outcome: "unknown",
        code: "unavailable",
      });
    await service.kill();
    await service.start();
    const there = (await it.log()).filter(({ stream }) => stream.endsWith(newer) || stream.endsWith(unknown));
    expect(there.map((entry) => entry.data)).toContainEqual(data);
    expect(there.map((entry) => entry.data)).toContainEqual({ options: [1, 2] });
    const other = await tableOf([ada, bo], random, "other");
    expect((await say(ada, other, "elsewhere", random)).outcome).toBe("ok");
    // Both parked alike, live and in a replay; what other programs wrote, no client asked for.
    expect((await it.judge()).filter(({ rule }) => rule !== "never-asked")).toEqual([]);
  });
});
