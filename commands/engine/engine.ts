import type { Clock } from "../../infra/ports/clock.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import type { Snapshots } from "../../infra/ports/snapshots.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import type { Account } from "./deciding.ts";

/** What a turn of a mailbox took, for metrics. */
export interface TurnTaken {
  readonly kind: string;
  readonly commands: number;
  readonly events: number;
  readonly decideMs: number;
  readonly appendMs: number;
}

/** What deciding and appending run on. One a process. */
export interface Engine {
  readonly log: EventLog;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
  readonly newId: () => string;
  /** The accounts there are among these people of a tenant. */
  readonly accounts: (tenant: string, userIds: readonly string[]) => Promise<ReadonlyMap<string, Account>>;
  readonly marks: MarksNow;
  readonly limits: EngineLimits;
  readonly onTurn?: (turn: TurnTaken) => void;
  /** The highest `recordedAt` that this process has seen, in ms. */
  readonly lastRecordedAt: { value: number };
}

/** A person's watermarks in a conversation, with where the event stands that raised them last. */
export interface MarkNow {
  readonly read: number;
  readonly delivered: number;
  readonly position: number;
  readonly revision: number;
}

/** Watermarks as far as they are known. They only rise, so what is known late is never wrong, only low. */
export type MarksNow = (
  tenant: string,
  conversationId: string,
  userIds: readonly string[],
) => Promise<ReadonlyMap<string, MarkNow>>;

export interface EngineLimits {
  /** Commands that may wait in one mailbox. */
  readonly queue: number;
  /** Commands decided and appended together. */
  readonly turn: number;
  /** How long a command may wait before it is refused as unavailable. */
  readonly deadlineMs: number;
  /** Mailboxes whose state is kept. */
  readonly mailboxes: number;
  /** Events after which a new snapshot of an aggregate is kept. */
  readonly snapshotEvery: number;
  readonly groupMembers: number;
}

export const defaultLimits: EngineLimits = {
  queue: 2_000,
  turn: 256,
  deadlineMs: 10_000,
  mailboxes: 20_000,
  snapshotEvery: 1_000,
  groupMembers: 1_024,
};
