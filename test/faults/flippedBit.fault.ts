import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openForEvidence } from "./harness/evidence.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 18: a bit is flipped where it lies: in what is sealed, and in the snapshot of a conversation. */
const random = randomFrom(seedOfRun());
/** Events after which a snapshot is kept, and some. */
const MANY = 1_050;

let it: Installation;
let service: Service;
let database: Database;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  database = openForEvidence(it.postgres.url());
});
afterAll(async () => {
  await database?.close();
  await it?.close();
});

describe("a flipped bit", () => {
  test.each([
    ["what commits to the key", 5],
    ["the nonce", 40],
    ["the ciphertext", 60],
  ])(
    "in %s of a message is noticed: nobody reads a text that was not written, and it does not pass for erased",
    async (_, byte) => {
      const ada = await it.person("ada", service);
      const tea = await tableOf([ada], random);
      const sent = await say(ada, tea, "a text of some length, so that there are bytes", random);
      await ada.read(tea, sent.answer?.position);
      // In the log, and in the copy that the history has of it: what is sealed stands at its end.
      await database.query(
        `with flipped as (
           update log.events set sealed = set_byte(sealed, $2, get_byte(sealed, $2) # 1)
           where command = $1 returning length(sealed) as size)
         update history.messages set sealed =
           set_byte(sealed, length(sealed) - size + $2, get_byte(sealed, length(sealed) - size + $2) # 1)
         from flipped where message_id = $1`,
        [sent.messageId, byte],
      );
      // Without what it has opened already.
      await service.stop();
      await service.start();
      const reading = await ada.read(tea);
      expect(reading?.status).not.toBe(200);
      await until(() => service.process().output().includes("was altered"), "a line in the server's log");
      const other = await tableOf([ada], random, "Other");
      const next = await say(ada, other, "elsewhere", random);
      expect((await ada.read(other, next.answer?.position))?.messages).toHaveLength(1);
    },
  );

  test("in a snapshot is noticed: it is dropped, the log is replayed, and deciding goes on where it was", async () => {
    const [ada, bo] = [await it.person("ada", service), await it.person("bo", service)];
    const tea = await tableOf([ada, bo], random);
    for (let sent = 0; sent < MANY; sent += 50)
      await Promise.all(Array.from({ length: 50 }, (_, n) => say(ada, tea, `message ${sent + n}`, random)));
    const stream = `main/conversation-${tea}`;
    const parts = await until(async () => {
      const { rows } = await database.query<{ part: number; state: string }>(
        "select part, state from ops.snapshots where stream = $1 and state like '%' || $2 || '%'",
        [stream, bo.userId],
      );
      return rows.length > 0 && rows;
    }, "a snapshot");
    // A state that can be read, in which somebody else is a member in Bo's place.
    const last = Number.parseInt(bo.userId.at(-1) ?? "", 16);
    const other = bo.userId.slice(0, -1) + (last ^ 1).toString(16);
    for (const { part, state } of parts)
      await database.query("update ops.snapshots set state = $3 where stream = $1 and part = $2", [
        stream,
        part,
        state.replaceAll(bo.userId, other),
      ]);
    await service.kill();
    await service.start();
    const next = await say(bo, tea, "next", random);
    expect(next).toMatchObject({ outcome: "ok", answer: { seq: MANY + 1 } });
    const { log } = await it.history();
    const seqs = log.flatMap(({ stream: of, type, data }) =>
      of === stream && type === "MessageSent" ? [data.seq] : [],
    );
    expect(seqs).toEqual(Array.from({ length: MANY + 1 }, (_, n) => n + 1));
  });
});
