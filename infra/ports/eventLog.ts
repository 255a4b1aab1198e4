import type { Envelope } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";

/** Personal content as it lies in the log. Whose secret and which day's it takes are part of what it authenticates. */
export interface SealedContent {
  /** UUID of the person (or conversation) whose subject secret is one half of its key. */
  readonly subject: string;
  /** A UTC day such as `2026-11-21`, or `-`. */
  readonly bucket: string;
  /** Kc, 32 bytes: commits to the key. */
  readonly commitment: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** AES-256-GCM ciphertext followed by its 16-byte tag. */
  readonly ciphertext: Uint8Array;
}

export interface NewEvent {
  readonly type: string;
  readonly version: number;
  /** The message it is about, where it is about one. */
  readonly target: string | null;
  /** JSON, the very bytes that are stored and hashed. */
  readonly data: string;
  /** JSON, likewise. */
  readonly meta: string;
  readonly sealed: SealedContent | null;
  /** Its bucket is the day of its recording: refused as `stale-bucket` when that is neither this day nor the next. */
  readonly checkDay?: boolean;
}

/** An event as the log gives it back: `data` and `meta` as stored, byte for byte. */
export interface RecordedEvent extends Omit<NewEvent, "checkDay">, Envelope {
  /** Its place among the events of its command, from 0. */
  readonly ordinal: number;
}

export interface NewCommand {
  readonly commandId: string;
  /** Who sent it; null for what the server gathers (marks). */
  readonly actorId: string | null;
  /** Opaque to the log, at most 64 bytes; given back by `find`. */
  readonly payloadHash: Uint8Array;
  readonly events: readonly NewEvent[];
}

export interface Appended {
  readonly status: "ok";
  /** All events of the append in order; their positions and revisions are contiguous. */
  readonly events: readonly RecordedEvent[];
}

/** Nothing of the append was written. */
export type NotAppended =
  /** The stream's head is not the expected revision; `revision` is what it is (-1: no such stream). */
  | { readonly status: "conflict"; readonly revision: number }
  /** These of its commands were recorded before; ask `find` for what they led to. */
  | { readonly status: "duplicate"; readonly commandIds: readonly string[] }
  /** `recordedAt` would have been neither of the bucket's day nor of the next: seal again, for `day` (that of recordedAt). */
  | { readonly status: "stale-bucket"; readonly day: string };

/** What a command led to, with what proves that a retry is the same. */
export interface RecordedCommand {
  readonly actorId: string | null;
  readonly payloadHash: Uint8Array;
  readonly events: readonly RecordedEvent[];
}

/** A run of the log without a gap: nothing lies between `after` and the first event, nor between two of them. */
export interface Batch {
  /** The position after which this batch follows. */
  readonly after: number;
  /** In position order; never empty. */
  readonly events: readonly RecordedEvent[];
}

export interface Subscription {
  /** Resolves when no handler runs any more. */
  stop(): Promise<void>;
  /** Rejects when the handler threw or the log refused: what happened is the subscriber's to decide. */
  readonly ended: Promise<void>;
}

/** The outcome of an append is not known: the link broke while it was being committed. A retry resolves it. */
export class UnknownOutcome extends Error {
  override name = "UnknownOutcome";
}

/** The log does not take or give anything now. */
export class LogUnavailable extends Error {
  override name = "LogUnavailable";
}

/**
 * The only truth. Positions order the whole log, strictly rising, not promised dense (the first is above 0);
 * revisions count within a stream from 0. All that one append holds is committed together or not at all.
 */
export interface EventLog {
  /**
   * Appends to one stream. `expected`: the stream's revision (-1: it must not exist), or "any" (receipts only).
   * @throws UnknownOutcome, LogUnavailable
   */
  append(stream: StreamId, expected: number | "any", commands: readonly NewCommand[]): Promise<Appended | NotAppended>;
  find(stream: StreamId, commandId: string): Promise<RecordedCommand | undefined>;
  /** All events of the stream about one message, in order. */
  readTarget(stream: StreamId, target: string): Promise<RecordedEvent[]>;
  /** Those of these messages that the stream has any event about. */
  knownTargets(stream: StreamId, among: readonly string[]): Promise<ReadonlySet<string>>;
  /** From a revision (inclusive) to the end as it is when read, or at most `limit` events. */
  readStream(stream: StreamId, from?: number, limit?: number): AsyncIterable<RecordedEvent>;
  /** After a position (exclusive), to the head as it is when read, or at most `limit` events. */
  readAll(after: number, limit?: number): AsyncIterable<RecordedEvent>;
  /** The stream's last revision, -1 if there is none. */
  revision(stream: StreamId): Promise<number>;
  /** The last position of the log (0 if empty), and its `recordedAt` in ms. */
  head(): Promise<{ readonly position: number; readonly recordedAt: number }>;
  /** Counts the histories this log has had: raised when a restored log lost what others remember. From 1. */
  epoch(): Promise<number>;
  /**
   * Hands over everything after a position: first what is there, then what comes, in log order, without a gap.
   * The next batch comes when the handler's promise has resolved.
   */
  subscribe(after: number, onBatch: (batch: Batch) => Promise<void>): Subscription;
}
