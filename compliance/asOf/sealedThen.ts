import type { Logged } from "../../projections/logged.ts";
import type { SealedPart } from "../../projections/sealedPart.ts";

/** What of an event is encrypted, with all that opening it takes. */
export type SealedThen = SealedPart | null;

export const sealedThen = ({ id, type, version, stream, sealed }: Logged): SealedThen =>
  sealed && { id, type, version, stream, sealed };
