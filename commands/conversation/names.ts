import { z } from "zod";

/** A conversation's name: at least one character that is not white space, at most 256 UTF-16 units. */
export const Name = z
  .string()
  .max(256)
  .refine((name) => name.trim() !== "", "must not be empty");

export const Description = z.string().max(4_096);
