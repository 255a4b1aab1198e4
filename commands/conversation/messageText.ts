import { z } from "zod";
import { UserId } from "../../domain/conversation/events.ts";

const utf8 = new TextEncoder();

/** At most 16 KiB of UTF-8; over it the refusal is `too-large`. */
export const Text = z
  .string()
  .refine((text) => text.length <= 16_384 && utf8.encode(text).length <= 16_384, { params: { code: "too-large" } })
  .meta({ description: "At most 16,384 bytes of UTF-8." });

export const Mentions = z.array(UserId).max(100);

export const isBlank = (text: string): boolean => text.trim() === "";
export const hasLink = (text: string): boolean => /\bhttps?:\/\/\S/i.test(text);

/** What an event says of its text and mentions beside them: nothing where there is nothing to say. */
export const facets = (text: string | null, mentions: readonly string[]) => ({
  ...(mentions.length > 0 ? { mentions: [...new Set(mentions)] } : {}),
  ...(text !== null && hasLink(text) ? { hasLink: true } : {}),
});
