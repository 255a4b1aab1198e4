import type { StreamId } from "../../domain/ids.ts";

export interface Snapshot {
  /** The revision that the state was folded up to, inclusive. */
  readonly revision: number;
  /** By which fold, and in which shape: another one cannot use it. */
  readonly madeBy: string;
  /** JSON, in pieces that can each be read without holding up anything else. At least one. */
  readonly parts: readonly string[];
}

/** Folded states, kept to load faster. Any of them may be lost or dropped: the log gives it again. */
export interface Snapshots {
  /** Undefined where there is none, or one whose checksum or epoch of the log does not fit. */
  load(stream: StreamId): Promise<Snapshot | undefined>;
  /** Takes the place of what was made otherwise, or of an earlier revision. */
  save(stream: StreamId, snapshot: Snapshot): Promise<void>;
  /** Forgets one that cannot be used. */
  drop(stream: StreamId): Promise<void>;
}

export const noSnapshots: Snapshots = { load: async () => undefined, save: async () => {}, drop: async () => {} };
