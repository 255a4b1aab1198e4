import { z } from "zod";

/** Why an officer does something, in words: kept sealed. */
export const Reason = z
  .string()
  .min(1)
  .max(2_000)
  .refine((reason) => reason.trim() !== "", "white space alone");
