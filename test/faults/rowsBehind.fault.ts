import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Change } from "../../read-api/shapes.ts";
import type { Attempt } from "./checker/history.ts";
import { type Actor, insist } from "./harness/actor.ts";
import type { Caught, Where } from "./harness/databaseLink.ts";
import { openForEvidence } from "./harness/evidence.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 6: the database dies with the last commit of the read models unwritten: nobody waits until that is on disk. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
let tea: string;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  [ada, bo] = [await it.person("ada", service), await it.person("bo", service)];
  tea = await tableOf([ada, bo], random);
});
afterAll(() => it?.close());

const Page = z.object({ changes: z.array(Change), cursor: z.string(), more: z.boolean() });

async function sync(who: Actor, cursor: string | undefined, limit: number) {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
  const headers = { authorization: `Bearer ${who.token}` };
  return Page.parse(await (await fetch(`${service.url()}/api/v1/sync?${query}`, { headers })).json());
}

/** Whole rounds, from a cursor to the end. */
async function catchUp(who: Actor, from: string | undefined, limit = 200) {
  const changes: Change[] = [];
  for (let cursor = from; ; ) {
    const page = await sync(who, cursor, limit);
    changes.push(...page.changes);
    cursor = page.cursor;
    if (!page.more) return { changes, cursor };
  }
}

const movingCheckpoints: Where = (statement) => statement === "projector-move-checkpoints";

const lowestPosition = async (): Promise<number> => {
  const database = openForEvidence(it.postgres.url());
  const { rows } = await database.query<{ position: number }>("select min(position) as position from ops.checkpoints");
  await database.close();
  return rows[0]?.position ?? 0;
};

/**
 * A message that was acknowledged, projected and told; then the database died, and came back without its rows. Folding
 * it again is held. `told`: what happens between.
 */
async function toldAndLost(by: Actor, told = async () => {}): Promise<{ sent: Attempt; folding: Caught }> {
  for (let tries = 0; tries < 10; tries++) {
    const announcing = it.link.catchAt("asked", (statement) => statement === "projector-announce");
    const sent = await say(by, tea, `told and lost ${tries}`, random);
    await announcing;
    const position = sent.answer?.position ?? 0;
    await until(async () => (await lowestPosition()) >= position, "the message among the rows");
    await told();
    const folding = it.link.catchAt("asked", movingCheckpoints);
    await it.restartDatabase("kill");
    if ((await lowestPosition()) < position) return { sent, folding: await folding };
    // Something else that was committed took it along to the disk.
    void folding.then((caught) => caught.letGo());
  }
  throw new Error("the database lost nothing in any of its deaths");
}

describe("rows that lie behind what was told of them", () => {
  test("are read by nobody who was promised them: not by their author, and not by a device that comes back", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const [by, other] = [ada, bo];
    const tablet = it.device(other, "bo's tablet");
    await tablet.connect(service.url());
    const { sent, folding } = await toldAndLost(by, async () => tablet.close());
    const { position, messageId } = { position: sent.answer?.position, messageId: sent.messageId ?? "" };
    expect((await by.read(tea, position))?.status).toBe(503);
    expect(await tablet.connect(service.url())).toBe(false);
    folding.letGo();
    const reading = await until(async () => {
      const one = await by.read(tea, position);
      return one?.status === 200 ? one : undefined;
    }, "the rows");
    expect(reading.messages.map((seen) => seen.messageId)).toContain(messageId);
    await until(() => tablet.connect(service.url()), "the tablet");
    expect([...(tablet.state.conversations.get(tea)?.messages.keys() ?? [])]).toContain(messageId);
    expect(await it.judge()).toEqual([]);
  });

  test("do not end a round of catching up that began before them, wherever it goes on", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const [by, other] = [ada, bo];
    const before = await catchUp(other, undefined);
    await insist(() => say(by, tea, "before", random));
    let cursor = before.cursor;
    const held: Change[] = [];
    const { sent, folding } = await toldAndLost(by, async () => {
      const page = await sync(other, before.cursor, 1);
      held.push(...page.changes);
      expect(page.more).toBe(true);
      cursor = page.cursor;
    });
    await service.kill();
    folding.cut();
    const again = it.link.catchAt("asked", movingCheckpoints);
    await service.start();
    const meanwhile = await catchUp(other, cursor, 1);
    (await again).letGo();
    await until(async () => (await by.read(tea, sent.answer?.position))?.status === 200, "the rows");
    const { changes } = await catchUp(other, meanwhile.cursor);
    const seen = [...held, ...meanwhile.changes, ...changes].flatMap((change) =>
      change.op === "message" ? [change.message.messageId] : [],
    );
    expect(seen).toContain(sent.messageId);
  });
});
