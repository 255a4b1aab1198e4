import { z } from "zod";
import { Seq } from "../../domain/conversation/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { LogUnavailable, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { noSuchConversation } from "../conversation/access.ts";
import { conversation } from "../conversation/aggregate.ts";
import type { Engine } from "../engine/engine.ts";
import { Placement } from "../placement.ts";
import { Marks } from "./marks.ts";

const ofEngine = new WeakMap<Engine, Marks>();

/** The gatherer of marks of an engine: one a process. */
export function marksOf(engine: Engine): Marks {
  const known = ofEngine.get(engine) ?? new Marks(engine);
  ofEngine.set(engine, known);
  return known;
}

/** A command that raises the sender's own watermarks. It needs no key: they only rise. */
const mark = (name: "MarkRead" | "MarkDelivered", path: "read" | "delivered", summary: string) =>
  door({
    name,
    route: `POST /api/v1/conversations/:conversationId/${path}`,
    summary,
    status: 200,
    access: "signed-in",
    socket: true,
    payload: z.strictObject({ conversationId: Uuid, seq: Seq }),
    result: z.object({ ...Placement.shape, read: Seq, delivered: Seq }),
    async run({ conversationId, seq }, by, engine: Engine) {
      const sender = { ...by, commandId: engine.newId() };
      const stream = streamId(by.tenant, "conversation", conversationId);
      const refused = await conversation.mailboxes(engine).ask(stream, {
        name,
        sender,
        answer({ members, lastSeq }) {
          if (!members.has(by.userId)) return noSuchConversation();
          return seq > lastSeq ? reject("validation-failed", "there is no such message yet") : undefined;
        },
      });
      if (refused) return refused;
      const { userId, deviceId, now: at } = by;
      const read = path === "read" ? seq : 0;
      try {
        const now = await marksOf(engine).raise(by.tenant, conversationId, {
          userId,
          deviceId,
          delivered: seq,
          read,
          at,
        });
        return { body: now };
      } catch (error) {
        if (error instanceof LogUnavailable || error instanceof UnknownOutcome)
          return reject("unavailable", "the mark could not be recorded: send it again");
        throw error;
      }
    },
  });

export const MarkRead = mark("MarkRead", "read", "Says that one has read up to a message.");
export const MarkDelivered = mark("MarkDelivered", "delivered", "Says that a device has stored up to a message.");
