import { z } from "zod";

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
const NAMED = /^:[\p{L}\p{N}_+-]{1,30}:$/u;

const isOneGrapheme = (emoji: string): boolean => {
  const [first, ...others] = graphemes.segment(emoji);
  return first !== undefined && others.length === 0 && !/^[\s\p{C}]/u.test(emoji);
};

/** One grapheme cluster, or `:name:`; at most 32 bytes of UTF-8. */
export const Emoji = z
  .string()
  .refine((emoji) => Buffer.byteLength(emoji) <= 32 && (NAMED.test(emoji) || isOneGrapheme(emoji)), {
    message: "must be one emoji or :name:, of at most 32 bytes",
  });
