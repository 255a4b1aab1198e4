/** Channel on which processes tell each other how far the read models have come. */
export const PROJECTED = "scripta_projected";
/** Said on it instead of a position: a second generation is ready to move with the live one. */
export const JOINED = "joined";
/** Likewise: devices are to have some conversations anew. */
export const RESYNCED = "resynced";
