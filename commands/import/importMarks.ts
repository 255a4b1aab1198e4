import { streamId } from "../../domain/ids.ts";
import type { Engine } from "../engine/engine.ts";
import { recordMarks } from "../receipts/recordMarks.ts";

const MARKS_AT_ONCE = 500;

/**
 * Everybody here has read up to a message. Whose marks stand there already is left out, as far as the read models know.
 * Gives the position of the last event, 0 if there was nothing to do.
 */
export async function importMarks(
  engine: Engine,
  conversation: { readonly tenant: string; readonly conversationId: string },
  userIds: readonly string[],
  seq: number,
): Promise<number> {
  const { tenant, conversationId } = conversation;
  const stream = streamId(tenant, "receipts", conversationId);
  let position = 0;
  for (let start = 0; start < userIds.length; start += MARKS_AT_ONCE) {
    const some = userIds.slice(start, start + MARKS_AT_ONCE);
    const now = await engine.marks(tenant, conversationId, some);
    const at = new Date(engine.clock.now());
    const marks = some
      .filter((userId) => (now.get(userId)?.read ?? 0) < seq)
      .map((userId) => ({ userId, deviceId: null, delivered: seq, read: seq, at }));
    if (marks.length > 0) position = (await recordMarks(engine, stream, marks)).position;
  }
  return position;
}
