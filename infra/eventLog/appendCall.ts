import type { Appended, NewCommand, NewEvent, NotAppended } from "../ports/eventLog.ts";
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
  const { sizes, owners, places, ordinals, commands, firsts, events } = laidOut(batch);
  return [
    textArray(batch.map(({ stream }) => stream)),
    int4Array(batch.map(({ expected }) => (expected === "any" ? null : expected))),
    int4Array(sizes),
    int4Array(owners),
    int4Array(places),
    uuidArray(commands),
    int2Array(ordinals),
    uuidArray(firsts.map((command) => command?.actorId)),
    byteaArray(firsts.map((command) => command && [command.payloadHash])),
    uuidArray(events.map(({ target }) => target)),
    textArray(events.map(({ type }) => type)),
    int2Array(events.map(({ version }) => version)),
    jsonArray(events.map(({ data }) => data)),
    jsonArray(events.map(({ meta }) => meta)),
    uuidArray(events.map(({ sealed }) => sealed?.subject)),
    textArray(events.map(({ sealed }) => sealed?.bucket)),
    byteaArray(events.map(({ sealed }) => sealed && [sealed.commitment, sealed.nonce, sealed.ciphertext])),
    int4Array(events.map(({ checkDay, sealed }) => (checkDay && sealed ? dayToCheck(sealed.bucket) : null))),
    clockMs,
    seen.head,
    seen.epoch,
  ];
}

/** The batch as columns: of its appends their sizes, of its events in order all else. */
function laidOut(batch: readonly Append[]) {
  const sizes: number[] = [];
  const owners: number[] = [];
  const places: number[] = [];
  const ordinals: number[] = [];
  const commands: string[] = [];
  const firsts: (NewCommand | null)[] = [];
  const events: NewEvent[] = [];
  for (const append of batch) {
    let place = 0;
    for (const command of append.commands)
      for (const [ordinal, event] of command.events.entries()) {
        owners.push(sizes.length + 1);
        places.push(place++);
        ordinals.push(ordinal);
        commands.push(command.commandId);
        firsts.push(ordinal === 0 ? command : null);
        events.push(event);
      }
    sizes.push(place);
  }
  return { sizes, owners, places, ordinals, commands, firsts, events };
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
