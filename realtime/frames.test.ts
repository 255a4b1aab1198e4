import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame } from "./frames.ts";
import { readFrame } from "./incoming.ts";

/** What a WebSocket client reads of an unmasked text frame. */
function decode(bytes: Buffer): unknown {
  const short = bytes.readUInt8(1);
  const [start, length] =
    short < 126 ? [2, short] : short === 126 ? [4, bytes.readUInt16BE(2)] : [10, Number(bytes.readBigUInt64BE(2))];
  expect(bytes.readUInt8(0)).toBe(0x81);
  expect(bytes.length).toBe(start + length);
  return JSON.parse(bytes.subarray(start).toString("utf8"));
}

test("a frame is one whole text frame, whatever its length in bytes", () => {
  for (const length of [0, 1, 100, 125, 126, 127, 65_535, 65_536, 100_000]) {
    const frame = { type: "changes", text: "é".repeat(length) };
    expect(decode(encodeFrame(frame))).toEqual(frame);
  }
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (frame) => {
      expect(decode(encodeFrame(frame))).toEqual(JSON.parse(JSON.stringify(frame)));
    }),
  );
});

test("a client's frame is read, and whatever is not one is refused", () => {
  const read = (text: string) => readFrame(Buffer.from(text));
  expect(read('{"type":"ping"}')).toEqual({ type: "ping" });
  expect(read('{"type":"hello","token":"t"}')).toEqual({ type: "hello", token: "t" });
  for (const bad of [
    "",
    "null",
    "[]",
    "nonsense",
    '{"type":"unheard-of"}',
    '{"type":"ping","more":1}',
    '{"type":"hello"}',
    '{"type":"command","id":"","name":"X","payload":{}}',
    '{"type":"presence","status":"offline"}',
  ])
    expect(read(bad), bad).toBeUndefined();
  // A command that says which it is gets its refusal by that.
  for (const payload of ["[]", `${"[".repeat(40)}${"]".repeat(40)}`, '{"__proto__":{}}'])
    expect(read(`{"type":"command","id":"1","name":"X","payload":${payload}}`), payload).toMatchObject({
      type: "refused",
      id: "1",
      rejection: { rejected: "validation-failed" },
    });
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => read(text)).not.toThrow();
    }),
  );
});
