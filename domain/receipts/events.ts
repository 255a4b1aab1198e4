import { z } from "zod";
import { Seq, Time, UserId } from "../conversation/events.ts";
import { eventType } from "../event.ts";
import { Uuid } from "../ids.ts";

/** Marks that arrived together. They are watermarks: of two for one person the greater counts, whatever their order. */
export const MarksRaised = eventType(
  "MarksRaised",
  1,
  z.object({
    marks: z.array(z.object({ userId: UserId, deviceId: Uuid.nullable(), delivered: Seq, read: Seq, at: Time })),
  }),
);

export const receiptsEvents = [MarksRaised] as const;
export type ReceiptsEvent = ReturnType<(typeof receiptsEvents)[number]>;
