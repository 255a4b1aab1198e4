import type { StreamId } from "../../domain/ids.ts";

export interface Snapshot {
  /** The revision that the state was folded up to, inclusive. */
  readonly revision: number;
  /** As `stateVersion` of the aggregate was. */
  readonly stateVersion: number;
  /** JSON. */
  readonly state: string;
}

/** Folded states, kept to load faster. Any of them may be lost or dropped: the log gives it again. */
export interface Snapshots {
  /** Undefined where there is none, or one whose checksum or epoch of the log does not fit. */
  load(stream: StreamId): Promise<Snapshot | undefined>;
  save(stream: StreamId, snapshot: Snapshot): Promise<void>;
}

export const noSnapshots: Snapshots = { load: async () => undefined, save: async () => {} };
