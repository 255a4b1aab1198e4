import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byTenant } from "../accounts/byTenant.ts";
import { requestErasure } from "../compliance/erasure/requestErasure.ts";
import { isRejection } from "../domain/rejection.ts";
import type { Foundation } from "../infra/foundation.ts";
import { newestOf } from "../projections/history/queries.ts";
import { compareCosts, keep, spread } from "./harness.ts";
import { insertMessages } from "./support/bulk.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";

const FEW = 100;
const MANY = Number(process.env.BENCH_MESSAGES ?? 100_000);
const PAIRS = 5;
const TURNS = PAIRS + 1;
/** Said through the engine, so that there is something to be opened; the rest is there to be counted. */
const SEALED = 100;
const TENANT = "main";

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
try {
  await prepare(folder, async (foundation) => {
    const done: Record<string, number[]> = {};
    const [keeper = "", ...all] = (await makePeople(foundation, 2 * TURNS + 1)).map(({ userId }) => userId);
    const contender = async (messages: number) => {
      const people = all.splice(0, TURNS);
      await write(foundation, keeper, people, messages);
      const name = `${messages.toLocaleString("en-US")} messages`;
      return {
        name,
        async turn() {
          const { unreadableMs, doneMs } = await erase(foundation, people.pop() ?? "", messages);
          done[name] = [...(done[name] ?? []), doneMs];
          return unreadableMs;
        },
      };
    };
    const [many, few] = [await contender(MANY), await contender(FEW)];
    const compared = await compareCosts({
      title:
        `An erasure, from asking until what the person wrote opens no more in this process (others: at most 5 s later), ` +
        `no hold; ${SEALED} messages of each are sealed, fsync on`,
      unit: "ms",
      ours: many,
      baselines: [few],
      pairs: PAIRS,
    });
    const untilDone = Object.fromEntries(Object.entries(done).map(([name, values]) => [name, spread(values.slice(1))]));
    console.log("Until all is swept and counted, with the 5 s that every process is given, ms:");
    console.table(untilDone);
    keep("erasure", [compared, { title: "until all is swept, ms", untilDone }]);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** Each writes so many messages, in a conversation of their own with one who owns it. */
async function write(
  foundation: Foundation,
  keeper: string,
  people: readonly string[],
  messages: number,
): Promise<void> {
  const perform = commander(foundation);
  for (const userId of people) {
    const group = { kind: "group", name: `${messages} messages`, members: [{ userId }] };
    const { conversationId } = await perform("CreateConversation", keeper, group);
    const say = (text: string) =>
      perform("SendMessage", userId, { conversationId, messageId: foundation.engine.newId(), kind: "text", text });
    await Promise.all(Array.from({ length: SEALED }, (_, nth) => say(`said ${nth}`)));
    if (messages > SEALED)
      await insertMessages(foundation.database, { conversationId, authors: [userId], messages: messages - SEALED });
  }
  const { position } = await foundation.log.head();
  while (!(await foundation.projector.waitFor(position, 2_000)));
}

async function erase({ compliance, sealing, database }: Foundation, userId: string, messages: number) {
  const { erasures, accounts } = compliance;
  const said = await newestOf(database, TENANT, userId, SEALED);
  const states = async () => new Set((await sealing.open(said)).map(({ state }) => state));
  if (said.length !== SEALED || !(await states()).has("readable")) throw new Error("there is nothing to erase");
  const began = performance.now();
  const asked = await requestErasure(compliance, { userId, reason: "measured" }, byTenant(accounts.engine, TENANT));
  if (isRejection(asked)) throw new Error(asked.detail);
  let [unreadableMs, doneMs] = [Number.NaN, Number.NaN];
  const erasure = await erasures.complete(TENANT, asked.erasureId, ({ effectiveAt, completedAt }) => {
    if (effectiveAt !== undefined && Number.isNaN(unreadableMs)) unreadableMs = performance.now() - began;
    if (completedAt !== undefined && Number.isNaN(doneMs)) doneMs = performance.now() - began;
  });
  if ([...(await states())].join() !== "erased") throw new Error("what was erased can be opened");
  const items = erasure.swept.get("messages")?.items;
  if (items !== messages) throw new Error(`${items} messages were counted, not ${messages}`);
  return { unreadableMs, doneMs };
}
