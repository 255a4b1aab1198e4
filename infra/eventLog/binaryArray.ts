/** PostgreSQL's types whose arrays we send, by oid. */
const OID = { bytea: 17, int2: 21, int4: 23, text: 25, json: 114, uuid: 2950 } as const;

const HEADER_BYTES = 20;

/**
 * PostgreSQL's binary form of one-dimensional arrays: it is neither quoted here nor parsed there, which makes up most of
 * what a batch in text costs. `pg` sends a Buffer in binary.
 * @param room at least the bytes that a value takes
 * @param write puts a value into the array and gives the bytes that it took
 */
const binaryArray =
  <Value>(oid: number, room: (value: Value) => number, write: (array: Buffer, at: number, value: Value) => number) =>
  (values: readonly (Value | null | undefined)[]): Buffer => {
    let size = HEADER_BYTES;
    for (const value of values) size += 4 + (value === null || value === undefined ? 0 : room(value));
    const array = Buffer.allocUnsafe(size);
    array.writeInt32BE(1, 0); // dimensions
    array.writeInt32BE(1, 4); // may hold nulls
    array.writeInt32BE(oid, 8);
    array.writeInt32BE(values.length, 12);
    array.writeInt32BE(1, 16); // first index
    let at = HEADER_BYTES;
    for (const value of values) {
      const isNull = value === null || value === undefined;
      const bytes = isNull ? 0 : write(array, at + 4, value);
      array.writeInt32BE(isNull ? -1 : bytes, at);
      at += 4 + bytes;
    }
    return array.subarray(0, at);
  };

const textRoom = (value: string) => Buffer.byteLength(value);
const writeText = (array: Buffer, at: number, value: string) => array.write(value, at);

const NIBBLE = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) NIBBLE[digit.toString(16).charCodeAt(0)] = digit;

const DASH = 0x2d;

/** A canonical UUID, 36 lower-case characters. */
function writeUuid(array: Buffer, at: number, value: string): number {
  let next = at;
  for (let place = 0; place < 36; place += 2) {
    if (value.charCodeAt(place) === DASH) place++;
    array[next++] = ((NIBBLE[value.charCodeAt(place)] ?? 0) << 4) | (NIBBLE[value.charCodeAt(place + 1)] ?? 0);
  }
  return 16;
}

function writeParts(array: Buffer, at: number, parts: readonly Uint8Array[]): number {
  let next = at;
  for (const part of parts) {
    array.set(part, next);
    next += part.length;
  }
  return next - at;
}

const partsRoom = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

export const textArray = binaryArray<string>(OID.text, textRoom, writeText);
export const jsonArray = binaryArray<string>(OID.json, textRoom, writeText);
export const uuidArray = binaryArray<string>(OID.uuid, () => 16, writeUuid);
/** Each value is the concatenation of some parts. */
export const byteaArray = binaryArray<readonly Uint8Array[]>(OID.bytea, partsRoom, writeParts);
export const int2Array = binaryArray<number>(
  OID.int2,
  () => 2,
  (array, at, value) => array.writeInt16BE(value, at) - at,
);
export const int4Array = binaryArray<number>(
  OID.int4,
  () => 4,
  (array, at, value) => array.writeInt32BE(value, at) - at,
);
