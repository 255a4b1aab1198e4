import { z } from "zod";
import { Time } from "../domain/conversation/events.ts";
import { Uuid } from "../domain/ids.ts";
import { Change } from "../read-api/shapes.ts";

const Cursor = z.string().describe("Opaque: keep it once all before it is stored.");

/** What the server may send, by type. Of `ack` the rest is the result of its command. */
export const serverFrames = {
  ready: z.strictObject({
    type: z.literal("ready"),
    userId: Uuid,
    deviceId: Uuid,
    resumed: z.boolean().describe("False where a reset follows."),
  }),
  reset: z.strictObject({ type: z.literal("reset") }),
  changes: z.strictObject({
    type: z.literal("changes"),
    position: z.int(),
    changes: z.array(Change).describe("To be applied in order; applying one twice is harmless."),
  }),
  cursor: z.strictObject({ type: z.literal("cursor"), cursor: Cursor }),
  live: z.strictObject({ type: z.literal("live"), cursor: Cursor }),
  ack: z.looseObject({ type: z.literal("ack"), id: z.string(), position: z.int(), revision: z.int() }),
  reject: z.strictObject({
    type: z.literal("reject"),
    id: z.string(),
    code: z.string(),
    detail: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    retryAfter: z.number().optional().describe("Seconds."),
  }),
  typing: z.strictObject({ type: z.literal("typing"), conversationId: Uuid, userId: Uuid, expiresAt: Time }),
  presence: z.strictObject({
    type: z.literal("presence"),
    userId: Uuid,
    status: z.enum(["online", "away", "offline"]),
    lastSeen: Time.nullable(),
  }),
  expiring: z.strictObject({ type: z.literal("expiring"), in: z.int().describe("Seconds until the token ends.") }),
  renewed: z.strictObject({ type: z.literal("renewed") }),
  pong: z.strictObject({ type: z.literal("pong") }),
} as const;

export const ServerFrame = z.discriminatedUnion("type", [
  serverFrames.ready,
  serverFrames.reset,
  serverFrames.changes,
  serverFrames.cursor,
  serverFrames.live,
  serverFrames.ack,
  serverFrames.reject,
  serverFrames.typing,
  serverFrames.presence,
  serverFrames.expiring,
  serverFrames.renewed,
  serverFrames.pong,
]);
export type ServerFrame = z.infer<typeof ServerFrame>;
