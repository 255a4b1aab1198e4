import type { Appended, NotAppended } from "../ports/eventLog.ts";
import { byteaArray, int2Array, int4Array, jsonArray, textArray, uuidArray } from "./binaryArray.ts";
import { type Append, dayName, dayNumber, recorded } from "./recorded.ts";

/** What the caller has seen of the log: one that lies behind takes nothing. */
export interface Seen {
  readonly head: number;
  readonly epoch: number;
}

/** A row a judged append. */
export interface Judgement {
  /** The append's place in the batch, from 1. */
  readonly append: number;
  readonly outcome: "ok" | "conflict" | "duplicate" | "stale-bucket";
  /** The stream's revision before, -1 if there was none. */
  readonly revision: number;
  readonly duplicates: string[] | null;
  readonly first_position: number | null;
  readonly previous_head: number;
  readonly recorded_at: number;
}

export const APPEND =
  "select * from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

const dayToCheck = (bucket: string) => (bucket === "-" ? null : dayNumber(Date.parse(bucket)));

/** The parameters of `log.append` for a batch. `clockMs`: null for the database's own. */
export function appendParameters(batch: readonly Append[], clockMs: number | null, seen: Seen): unknown[] {
  const commands = batch.flatMap((append, at) => append.commands.map((command) => ({ command, append: at + 1 })));
  const events = commands.flatMap(({ command, append }, at) =>
    command.events.map((event, ordinal) => ({ event, append, command: at + 1, ordinal })),
  );
  return [
    textArray(batch.map(({ stream }) => stream)),
    int4Array(batch.map(({ expected }) => (expected === "any" ? null : expected))),
    int4Array(commands.map(({ append }) => append)),
    uuidArray(commands.map(({ command }) => command.commandId)),
    uuidArray(commands.map(({ command }) => command.actorId)),
    byteaArray(commands.map(({ command }) => [command.payloadHash])),
    int4Array(events.map(({ append }) => append)),
    int4Array(events.map(({ command }) => command)),
    int2Array(events.map(({ ordinal }) => ordinal)),
    uuidArray(events.map(({ event }) => event.target)),
    textArray(events.map(({ event }) => event.type)),
    int2Array(events.map(({ event }) => event.version)),
    jsonArray(events.map(({ event }) => event.data)),
    jsonArray(events.map(({ event }) => event.meta)),
    uuidArray(events.map(({ event: { sealed } }) => sealed?.subject ?? null)),
    textArray(events.map(({ event: { sealed } }) => sealed?.bucket ?? null)),
    byteaArray(events.map(({ event: { sealed } }) => sealed && [sealed.commitment, sealed.nonce, sealed.ciphertext])),
    int4Array(events.map(({ event }) => (event.checkDay && event.sealed ? dayToCheck(event.sealed.bucket) : null))),
    clockMs,
    seen.head,
    seen.epoch,
  ];
}

/** What the caller of an append is told. */
export function answer(append: Append, judgement: Judgement): Appended | NotAppended {
  const { outcome, revision, duplicates, first_position, recorded_at } = judgement;
  switch (outcome) {
    case "conflict":
      return { status: outcome, revision };
    case "duplicate":
      return { status: outcome, commandIds: duplicates ?? [] };
    case "stale-bucket":
      return { status: outcome, day: dayName(recorded_at) };
    case "ok": {
      if (first_position === null) throw new Error("log.append gave no position");
      const place = { position: first_position, revision: revision + 1, recordedAt: recorded_at };
      return { status: outcome, events: recorded(append, place) };
    }
  }
}
