import { z } from "zod";
import { Time } from "./conversation/events.ts";
import { Uuid } from "./ids.ts";

/** Why and by whom an event came to be. Ids and times only. */
export const EventMeta = z.object({
  commandId: Uuid,
  correlationId: z.string(),
  causationId: z.string().optional(),
  /** Null for what the server gathers from several people (marks). */
  actorId: Uuid.nullable(),
  deviceId: Uuid.nullable().optional(),
  /** What the caller's clock, or the server's at arrival, said. */
  occurredAt: Time,
  traceparent: z.string().optional(),
});
export type EventMeta = z.infer<typeof EventMeta>;
