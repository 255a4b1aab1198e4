/** PostgreSQL's types whose arrays we send, by oid. */
const OID = { bytea: 17, int2: 21, int4: 23, text: 25, json: 114, uuid: 2950 } as const;

type Write = (target: Buffer, at: number) => void;

/** Its size in bytes and how it is written, or null. */
type Element = { readonly size: number; readonly write: Write } | null;

/**
 * PostgreSQL's binary form of a one-dimensional array: it is neither quoted here nor parsed there, which makes up most of
 * what a batch in text costs. `pg` sends a Buffer in binary.
 */
function binaryArray(oid: number, elements: readonly Element[]): Buffer {
  const size = elements.reduce((sum, element) => sum + 4 + (element?.size ?? 0), 20);
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(1, 4); // may hold nulls
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16); // first index
  let at = 20;
  for (const element of elements) {
    array.writeInt32BE(element?.size ?? -1, at);
    at += 4;
    if (!element) continue;
    element.write(array, at);
    at += element.size;
  }
  return array;
}

const encoded =
  <Value>(oid: number, encode: (value: Value) => NonNullable<Element>) =>
  (values: readonly (Value | null)[]): Buffer =>
    binaryArray(
      oid,
      values.map((value) => (value === null ? null : encode(value))),
    );

const utf8 = (value: string) => ({
  size: Buffer.byteLength(value),
  write: (target: Buffer, at: number) => void target.write(value, at),
});

export const textArray = encoded<string>(OID.text, utf8);
export const jsonArray = encoded<string>(OID.json, utf8);
export const int2Array = encoded<number>(OID.int2, (value) => ({
  size: 2,
  write: (target, at) => void target.writeInt16BE(value, at),
}));
export const int4Array = encoded<number>(OID.int4, (value) => ({
  size: 4,
  write: (target, at) => void target.writeInt32BE(value, at),
}));
export const uuidArray = encoded<string>(OID.uuid, (value) => ({
  size: 16,
  write: (target, at) => void target.write(value.replaceAll("-", ""), at, "hex"),
}));
/** Each value is the concatenation of some parts. */
export const byteaArray = encoded<readonly Uint8Array[]>(OID.bytea, (parts) => ({
  size: parts.reduce((sum, part) => sum + part.length, 0),
  write: (target, at) => {
    let next = at;
    for (const part of parts) {
      target.set(part, next);
      next += part.length;
    }
  },
}));
