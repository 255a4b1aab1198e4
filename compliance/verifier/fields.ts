import { fromBase64 } from "./bytes.ts";

/** A JSON object whose every field is looked at before it is believed. */
export type Fields = ReadonlyMap<string, unknown>;

/** @throws SyntaxError, as all of these */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError(`${what} is no object`);
  return new Map(Object.entries(value));
}

export function text(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (typeof value !== "string") throw new SyntaxError(`${name} is no text`);
  return value;
}

export function whole(fields: Fields, name: string): number {
  const value = fields.get(name);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new SyntaxError(`${name} is no whole number`);
  return value;
}

export function bytes(fields: Fields, name: string, size?: number): Uint8Array {
  const value = fromBase64(text(fields, name));
  if (size !== undefined && value.length !== size) throw new SyntaxError(`${name} has not ${size} bytes`);
  return value;
}

export function milliseconds(fields: Fields, name: string): number {
  const time = text(fields, name);
  const ms = Date.parse(time);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== time)
    throw new SyntaxError(`${name} is no time such as 2026-11-21T23:59:59.999Z`);
  return ms;
}
