import { z } from "zod";
import { ArchiveFault } from "./archiveFault.ts";

const SlackId = z.string().min(1).max(64);
const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined);

const User = z.object({
  id: SlackId,
  name: z.string(),
  real_name: optionalText,
  profile: z.object({ real_name: optionalText, display_name: optionalText }).optional(),
});
export const Users = z.array(User);

const Channel = z.object({
  id: SlackId,
  name: z.string(),
  creator: optionalText,
  members: z.array(SlackId).default([]),
});
export const Channels = z.array(Channel);
export type SlackChannel = z.infer<typeof Channel>;

/** Seconds since 1970 and a counter, which is unique in a channel. */
const Ts = z.string().regex(/^\d{1,11}(\.\d{1,6})?$/, "is no time such as 1355517523.000005");

export const Messages = z.array(
  z
    .object({ ts: Ts, user: optionalText, bot_id: optionalText, text: optionalText, thread_ts: Ts.nullish() })
    .transform(({ ts, user, bot_id, text, thread_ts }) => ({
      ts,
      micros: microsOf(ts),
      /** Slack's id of who wrote it. */
      author: user ?? bot_id ?? "unknown",
      text: text ?? "",
      /** The first message of the thread that it answers in. */
      thread: thread_ts && thread_ts !== ts ? thread_ts : undefined,
    })),
);
export type SlackMessage = z.infer<typeof Messages>[number];

function microsOf(ts: string): number {
  const [seconds = "", fraction = ""] = ts.split(".");
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws ArchiveFault naming the entry, and what of it is not as it must be, but not what it says */
export function parseEntry<Shape>(name: string, bytes: Uint8Array, shape: z.ZodType<Shape>): Shape {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new ArchiveFault(`${name} is not JSON in UTF-8`, { cause });
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  throw new ArchiveFault(`${name} is not what a Slack export holds: ${where || "it"}: ${issue?.message}`);
}
