import { z } from "zod";

export const Username = z.string().regex(/^[a-z0-9][a-z0-9._-]{1,31}$/);

/** What stands for a person on other people's screens. Kept code point by code point. */
export const DisplayName = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name.isWellFormed() && !name.includes("\u0000"), "not well-formed text")
  .refine((name) => name.trim() !== "", "white space alone");

/** The personal part of any event that says how a person is called. */
export const SealedName = z.looseObject({ displayName: z.string() });
