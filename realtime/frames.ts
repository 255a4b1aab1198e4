import { z } from "zod";
import { Uuid } from "../domain/ids.ts";

export const SUBPROTOCOL = "scripta.v1";

export const CommandId = z.string().min(1).max(64);

/** What a client may send. A frame of another shape is a protocol error, but for a command, which is refused. */
export const ClientFrame = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("hello"), token: z.string().max(8_192), cursor: z.string().max(8_192).nullish() }),
  z.strictObject({
    type: z.literal("command"),
    id: CommandId,
    name: z.string().max(64),
    payload: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal("typing"), conversationId: Uuid }),
  z.strictObject({ type: z.literal("presence"), status: z.enum(["online", "away"]) }),
  z.strictObject({ type: z.literal("watch"), userIds: z.array(Uuid).max(200) }),
  z.strictObject({ type: z.literal("renew"), token: z.string().max(8_192) }),
  z.strictObject({ type: z.literal("ping") }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** Why the server closed; each tells the client whether to come back. */
export const close = {
  protocolError: 4000,
  unauthenticated: 4001,
  notAllowed: 4003,
  tooSlow: 4008,
  replaced: 4009,
  goingAway: 4010,
  rateLimited: 4029,
} as const;
export type CloseCode = (typeof close)[keyof typeof close];
export type PresenceStatus = "online" | "away" | "offline";

/** What only one person may see. */
const PERSONAL: ReadonlySet<unknown> = new Set(["me", "conversation", "preferences", "unread", "left"]);

/** Changes in their order, in as few frames as keep what is personal apart from what all members see. */
export function apart<Told extends { readonly op: string }>(changes: readonly Told[]): Told[][] {
  const frames: Told[][] = [];
  for (const [index, change] of changes.entries()) {
    const together = index > 0 && PERSONAL.has(changes[index - 1]?.op) === PERSONAL.has(change.op);
    if (together) frames.at(-1)?.push(change);
    else frames.push([change]);
  }
  return frames;
}

const TEXT_FRAME = 0x81;

/**
 * A text frame as it goes over the wire, made once for however many sockets it goes to.
 * @see RFC 6455 §5.2 (a server's frames are not masked)
 */
export function encodeFrame(frame: object): Buffer {
  const text = JSON.stringify(frame);
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(header + length);
  bytes[0] = TEXT_FRAME;
  if (header === 2) bytes[1] = length;
  else if (header === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.write(text, header, "utf8");
  return bytes;
}
