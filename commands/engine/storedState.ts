import { hash } from "node:crypto";
import { setImmediate as others } from "node:timers/promises";
import { z } from "zod";
import { jsonSchema } from "../../infra/ports/jsonSchema.ts";

/** What a state is made of: plain fields, and Maps of however many entries. */
export type StateSchema<State> = z.ZodObject & z.ZodType<State>;

/** Entries that are written or read at one go, a few milliseconds. */
const ENTRIES_A_PART = 1_000;

/** A piece of a state: plain fields, and by the names of Maps some of their entries, in their order. */
const Part = z.record(z.string(), z.unknown());
type Part = z.infer<typeof Part>;

interface Column {
  readonly name: string;
  readonly keys: readonly unknown[];
  readonly values: readonly unknown[];
}

/** How many entries the Maps of a state have. */
export const entriesOf = (state: unknown): number =>
  fieldsOf(state).reduce((sum, [, value]) => sum + (value instanceof Map ? value.size : 0), 0);

/**
 * Takes the state as it is at this moment and writes it down bit by bit, while it changes: for that, what lies in its
 * Maps is replaced and never changed in place.
 */
export function writeState(state: unknown): Promise<string[]> {
  const fields = fieldsOf(state);
  const plain = Object.fromEntries(fields.filter(([, value]) => !(value instanceof Map)));
  const columns = fields.flatMap(([name, value]): Column[] =>
    value instanceof Map ? [{ name, keys: [...value.keys()], values: [...value.values()] }] : [],
  );
  return writeParts(plain, columns);
}

async function writeParts(plain: Part, columns: readonly Column[]): Promise<string[]> {
  const parts: string[] = [];
  let part = plain;
  let room = ENTRIES_A_PART;
  for (const { name, keys, values } of columns)
    for (let at = 0; at < keys.length; ) {
      if (room === 0) {
        parts.push(JSON.stringify(part));
        await others();
        part = {};
        room = ENTRIES_A_PART;
      }
      const until = Math.min(keys.length, at + room);
      part[name] = keys.slice(at, until).map((key, index) => [key, values[at + index]]);
      room -= until - at;
      at = until;
    }
  parts.push(JSON.stringify(part));
  return parts;
}

/** The same for equal schemas, another for any change of one. */
export const shapeOf = (schema: z.ZodObject): string => readerOf(schema).shape;

/** Undefined where it is not of the schema's shape. */
export async function readState<State>(
  schema: StateSchema<State>,
  parts: readonly string[],
): Promise<State | undefined> {
  const { plain, maps } = readerOf(schema);
  const state: Part = Object.fromEntries([...maps.keys()].map((name) => [name, new Map()]));
  const found: Part = {};
  for (const [at, text] of parts.entries()) {
    if (at > 0) await others();
    const part = Part.safeParse(parsed(text));
    if (!part.success) return undefined;
    for (const [name, value] of Object.entries(part.data)) {
      const map = state[name];
      if (!(map instanceof Map)) {
        found[name] = value;
        continue;
      }
      const entries = maps.get(name)?.safeParse(value);
      if (!entries?.success) return undefined;
      for (const [key, entry] of entries.data) map.set(key, entry);
    }
  }
  const fields = plain.safeParse(found);
  if (!fields.success) return undefined;
  const whole = Object.assign(state, fields.data);
  return isOf(schema, whole) ? whole : undefined;
}

/** Each field was parsed by its own schema; that all of them are there is left to see. */
const isOf = <State>(schema: StateSchema<State>, fields: object): fields is object & State =>
  Object.keys(schema.shape).every((name) => name in fields);

interface Reader {
  readonly shape: string;
  /** Of all fields that are no Maps. */
  readonly plain: z.ZodObject;
  /** Of the entries of each Map. */
  readonly maps: ReadonlyMap<string, z.ZodType<[unknown, unknown][]>>;
}

const readers = new WeakMap<z.ZodObject, Reader>();

function readerOf(schema: z.ZodObject): Reader {
  const known = readers.get(schema);
  if (known) return known;
  const maps = new Map<string, z.ZodType<[unknown, unknown][]>>();
  const plain: Record<string, z.ZodType> = {};
  for (const [name, field] of Object.entries(schema.shape))
    if (field instanceof z.ZodMap) maps.set(name, z.array(z.tuple([typeOf(field.keyType), typeOf(field.valueType)])));
    else plain[name] = typeOf(field);
  const fields = [...Object.entries(plain), ...maps].map(([name, field]) => [name, jsonSchema(field, "output")]);
  const shape = hash("sha256", JSON.stringify(fields)).slice(0, 16);
  const made = { shape, plain: z.strictObject(plain), maps };
  readers.set(schema, made);
  return made;
}

function typeOf(field: unknown): z.ZodType {
  if (field instanceof z.ZodType) return field;
  throw new Error("a field of a state's schema is no schema");
}

const fieldsOf = (state: unknown): [string, unknown][] =>
  typeof state === "object" && state !== null ? Object.entries(state) : [];

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
