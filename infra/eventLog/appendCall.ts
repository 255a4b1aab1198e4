import type { Appended, NewCommand, NewEvent, NotAppended } from "../ports/eventLog.ts";
import { byteaArray, int2Array, int4Array, jsonArray, textArray, uuidArray } from "./binaryArray.ts";
import { type Append, dayName, dayNumber, recorded } from "./recorded.ts";

/** What the caller has seen of the log: one that lies behind takes nothing. */
export interface Seen {
  readonly head: number;
  readonly epoch: number;
}

/** A row of what `log.append` gives: of the batch as append 0, and of appends whose outcome or revision is news. */
export interface Judgement {
  /** The append's place in the batch, from 1. */
  readonly append: number;
  readonly outcome: "batch" | "ok" | "conflict" | "duplicate" | "stale-bucket";
  /** The stream's revision before, -1 if there was none. */
  readonly revision: number;
  readonly duplicates: string[] | null;
  /** Of the batch: the log's head before it. */
  readonly head: number | null;
  /** Of the batch, in ms. */
  readonly recorded_at: number | null;
}

export const APPEND = `select * from log.append(${Array.from({ length: 21 }, (_, at) => `$${at + 1}`)})`;

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
    uuidArray(events.map(({ sealed }) => sealed?.subject)),
    textArray(events.map(({ sealed }) => sealed?.bucket)),
    int4Array(events.map(({ checkDay, sealed }) => (checkDay && sealed ? dayToCheck(sealed.bucket) : null))),
    clockMs,
    seen.head,
    seen.epoch,
    // The big ones last: the driver copies what it has whenever a parameter makes its buffer grow.
    jsonArray(events.map(({ data }) => data)),
    jsonArray(events.map(({ meta }) => meta)),
    byteaArray(events.map(({ sealed }) => sealed && [sealed.commitment, sealed.nonce, sealed.ciphertext])),
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

export interface Answers {
  /** The log's head before the batch. */
  readonly previousHead: number;
  /** What the caller of each append is told. */
  readonly outcomes: readonly (Appended | NotAppended)[];
}

export function answers(batch: readonly Append[], judgements: readonly Judgement[]): Answers {
  const byAppend = new Map(judgements.map((judgement) => [judgement.append, judgement]));
  const { head, recorded_at: recordedAt } = byAppend.get(0) ?? {};
  if (typeof head !== "number" || typeof recordedAt !== "number") throw new Error("log.append did not judge the batch");
  let position = head + 1;
  const outcomes = batch.map((append, at): Appended | NotAppended => {
    const judgement = byAppend.get(at + 1);
    const refused = judgement && refusal(judgement, recordedAt);
    if (refused) return refused;
    const before = judgement?.revision ?? append.expected;
    if (before === "any") throw new Error("log.append did not say which revision it took");
    const events = recorded(append, { position, revision: before + 1, recordedAt });
    position += events.length;
    return { status: "ok", events };
  });
  return { previousHead: head, outcomes };
}

function refusal({ outcome, revision, duplicates }: Judgement, recordedAt: number): NotAppended | undefined {
  switch (outcome) {
    case "conflict":
      return { status: outcome, revision };
    case "duplicate":
      return { status: outcome, commandIds: duplicates ?? [] };
    case "stale-bucket":
      return { status: outcome, day: dayName(recordedAt) };
    case "batch":
    case "ok":
      return undefined;
  }
}
