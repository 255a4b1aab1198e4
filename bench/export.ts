import { createSecretKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { byTenant } from "../accounts/byTenant.ts";
import { lookingBy } from "../compliance/access/writtenDown.ts";
import { giveOut } from "../compliance/export/giveOut.ts";
import { requestExport } from "../compliance/export/requestExport.ts";
import { isRejection } from "../domain/rejection.ts";
import type { Foundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { exportParts, startSequencer } from "../infra/verifiableLog.ts";
import { createCursors } from "../read-api/cursors.ts";
import { openQueries } from "../read-api/list.ts";
import { compare, keep, timed } from "./harness.ts";
import { makePeople, prepare } from "./support/prepare.ts";
import { writtenGroup } from "./support/writtenGroup.ts";

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 100_000);
const AUTHORS = 30;
const PAGE = 200;
const TENANT = "main";
const SIGNED_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 20;

const Page = z.object({ items: z.array(z.object({ seq: z.int() })) });

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
const { conversationId, reader } = await prepare(folder, async (foundation) => {
  const people = await makePeople(foundation, AUTHORS);
  const [reader] = people;
  if (!reader) throw new Error("somebody reads");
  return { conversationId: await writtenGroup(foundation, people, MESSAGES), reader: reader.userId };
});

let heapMiB = 0;
// Opened anew: nothing of what was written is in memory.
const compared = await prepare(folder, async (foundation) => {
  const sequencer = startSequencer(foundation, createLogger("error"));
  try {
    await exported(foundation);
    return await compare({
      title: `A conversation of ${MESSAGES.toLocaleString("en-US")} messages by ${AUTHORS} people, in one process`,
      unit: "messages",
      size: MESSAGES,
      ours: { name: "exported as JSON, with its evidence and proofs", turn: () => timed(() => exported(foundation)) },
      baselines: [
        { name: `read from history in pages of ${PAGE}, without HTTP`, turn: () => timed(() => readAll(foundation)) },
      ],
      pairs: Number(process.env.BENCH_PAIRS ?? 5),
    });
  } finally {
    await sequencer.stop();
  }
});
process.stdout.write(`heap used while exporting, at most: ${Math.round(heapMiB)} MiB\n`);
keep("export", [{ ...compared, heapMiB }]);
rmSync(folder, { recursive: true, force: true });
process.exit(0);

/** The whole archive, into nowhere. */
async function exported(foundation: Foundation): Promise<void> {
  const parts = exportParts(foundation);
  const scope = { kind: "conversation" as const, conversationIds: [conversationId], format: "json" as const };
  const by = byTenant(foundation.engine, TENANT);
  const requested = await requestExport(parts, scope, by);
  if (isRejection(requested)) throw new Error(requested.detail);
  const { exportId } = requested;
  const archive = await giveOut(parts, { tenant: TENANT, exportId, scope }, lookingBy(by), {
    signal: AbortSignal.timeout(SIGNED_WITHIN_MS),
    signedWithinMs: SIGNED_WITHIN_MS,
  });
  if (isRejection(archive)) throw new Error(archive.detail);
  const look = setInterval(() => {
    heapMiB = Math.max(heapMiB, process.memoryUsage().heapUsed / 2 ** 20);
  }, LOOK_EVERY_MS);
  let bytes = 0;
  const nowhere = new Writable({
    write(chunk: Buffer, _, done) {
      bytes += chunk.length;
      done();
    },
  });
  const [made] = await Promise.all([archive.write(), pipeline(archive.output, nowhere)]);
  clearInterval(look);
  if (made.events < MESSAGES || bytes < MESSAGES) throw new Error(`only ${made.events} events were exported`);
}

async function readAll({ database, sealing, cursorKey, log, engine }: Foundation): Promise<void> {
  const cursors = createCursors(createSecretKey(cursorKey), await log.epoch());
  const door = openQueries({ database, sealing, cursors }).find(({ name }) => name === "ListMessages");
  if (!door) throw new Error("nothing lists messages");
  const by = { ...byTenant(engine, TENANT), userId: reader };
  let count = 0;
  for (let before = MESSAGES + 1; before > 1; before -= PAGE) {
    const asked = door.parse({ conversationId, before, limit: PAGE });
    if (!asked.success) throw asked.error;
    const answer = await door.handle(asked.data, by);
    if (isRejection(answer)) throw new Error(answer.detail);
    count += Page.parse(answer.body).items.length;
  }
  if (count !== MESSAGES) throw new Error(`${count} of ${MESSAGES} messages were read`);
}
