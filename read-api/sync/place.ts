import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";

/**
 * How far inside a conversation that is sent whole; `ranges`: the seqs of the messages that belong to it. They stand
 * since it was told of: what becomes visible only while it is sent has no sender among those that were sent.
 */
export const BlockPlace = z.object({
  part: z.int(),
  key: z.string(),
  ranges: z.array(z.object({ from: z.int(), to: z.int() })),
});
export type BlockPlace = z.infer<typeof BlockPlace>;

/** What was given last. The phases of a snapshot, then those of catching up, in their order. */
export const Place = z.discriminatedUnion("phase", [
  z.object({
    phase: z.literal("inbox"),
    /** How many conversations came before. */
    nth: z.int(),
    at: z.object({ activity: z.int(), conversation: Uuid, block: BlockPlace }).nullable(),
  }),
  z.object({ phase: z.literal("closing"), at: z.object({ conversation: Uuid, block: BlockPlace }).nullable() }),
  z.object({ phase: z.literal("users"), after: Uuid.nullable() }),
  z.object({ phase: z.literal("anew"), at: z.object({ conversation: Uuid, block: BlockPlace }).nullable() }),
  z.object({
    phase: z.literal("rows"),
    /** position, rank, conversation, key within it */
    at: z.tuple([z.int(), z.int(), z.string(), z.string()]),
    /** Whose message comes next, where that person's `user` was given already. */
    introduced: Uuid.nullable(),
  }),
  z.object({ phase: z.literal("unread"), after: Uuid.nullable() }),
]);
export type Place = z.infer<typeof Place>;
export type PlaceIn<Phase extends Place["phase"]> = Extract<Place, { phase: Phase }>;

/** All up to `from` is with the device (null: nothing yet). While a round goes on: to where, and what came last. */
export const SyncCursor = z.object({
  from: z.int().nullable(),
  round: z.object({ upTo: z.int(), place: Place }).nullable(),
});
export type SyncCursor = z.infer<typeof SyncCursor>;
