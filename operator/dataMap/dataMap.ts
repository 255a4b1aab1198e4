import { personalData as ofAccounts } from "../../accounts/personalData.ts";
import { personalData as ofCompliance } from "../../compliance/personalData.ts";
import { type EventDeclaration, eventDeclarations } from "../../domain/catalogue.ts";
import { openFields, type StoredUse, sealedFields } from "../../domain/dataUse.ts";
import { type EventUse, personalData as ofEvents } from "../../domain/personalData.ts";
import { personalData as ofInfra } from "../../infra/personalData.ts";
import { personalData as ofReadModels } from "../../projections/personalData.ts";
import { beyondTables, type Place } from "./beyondTables.ts";

interface Fields {
  readonly people: readonly string[];
  readonly conduct: readonly string[];
  readonly sealed: readonly string[];
  readonly hashed: readonly string[];
  readonly wrapped: readonly string[];
}

/** What one event says of people. */
export interface MappedEvent extends Fields {
  readonly event: string;
  readonly version: number;
  readonly what: string;
  /** Under which key its sealed fields lie; null where there are none. */
  readonly key: string | null;
  readonly kept: string;
  readonly erasure: string;
}

export interface MappedTable extends Fields {
  readonly table: string;
  readonly what: string;
  readonly kept: string;
  readonly erasure: string;
}

/** The record of processing, as far as the program knows it. @see GDPR Art. 30 */
export interface DataMap {
  readonly events: readonly MappedEvent[];
  readonly tables: readonly MappedTable[];
  readonly elsewhere: readonly Place[];
}

export const storedUses: Readonly<Record<string, StoredUse>> = {
  ...ofInfra,
  ...ofReadModels,
  ...ofAccounts,
  ...ofCompliance,
};
const eventUses: Readonly<Record<string, EventUse>> = ofEvents;

export function dataMap(): DataMap {
  return {
    events: eventDeclarations.map(mappedEvent),
    tables: Object.entries(storedUses).map(([table, use]) => ({
      table,
      what: use.what,
      ...fields(use),
      kept: use.kept,
      erasure: use.erasure,
    })),
    elsewhere: beyondTables,
  };
}

/** @throws Error where an event says nothing of itself */
export function useOf({ type }: EventDeclaration): EventUse {
  const use = eventUses[type];
  if (!use) throw new Error(`${type} does not say what it holds of people: see domain/personalData.ts`);
  return use;
}

function mappedEvent(declaration: EventDeclaration): MappedEvent {
  const use = useOf(declaration);
  const { whose, what } = use;
  const { bucket } = declaration.under ?? {};
  return {
    event: declaration.type,
    version: declaration.version,
    what,
    ...fields(use),
    key: whose === undefined ? null : `${whose}'s secret, with ${bucketName(bucket)}`,
    kept: whose === undefined ? "for ever" : keptOf(bucket, whose),
    erasure: whose === undefined ? "stays as a fact" : erasureOf[whose],
  };
}

type Bucket = NonNullable<EventDeclaration["under"]>["bucket"] | undefined;

const bucketName = (bucket: Bucket): string =>
  bucket === "day"
    ? "the conversation's of that day"
    : bucket === "original"
      ? "the conversation's of the original's day"
      : "the stream's lasting one";

function keptOf(bucket: Bucket, whose: NonNullable<EventUse["whose"]>): string {
  if (bucket !== "lasting") return "until the retention of that day, or an erasure";
  if (whose === "the case") return "for ever";
  return whose === "the conversation" ? "until its name is redacted" : "until an erasure";
}

const erasureOf: Readonly<Record<NonNullable<EventUse["whose"]>, string>> = {
  "its author": "an erasure of its author destroys the secret",
  "the person": "an erasure of the person destroys the secret",
  "the conversation": "a redaction of the name destroys the secret; an erasure of who wrote it leaves it",
  "the case": "stays: it is the record of what officers did",
};

const fields = (use: EventUse | StoredUse): Fields => ({
  people: listed(use.people),
  conduct: listed(use.conduct),
  sealed: sealedFields(use),
  hashed: listed(use.hashed),
  wrapped: listed(use.wrapped),
});

const listed = (list: string | undefined): string[] => list?.split(" ") ?? [];

/** All fields of a use, as they lie there: to be compared with what there is. */
export const fieldsIn = (use: StoredUse): string[] => [...openFields(use), ...sealedFields(use)];
