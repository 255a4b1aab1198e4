import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hmac } from "./hmac.ts";

test.each([
  ["sha256", 64],
  ["sha512", 128],
] as const)("HMAC by two %s hashes is HMAC, for every key of up to %i bytes", (algorithm, block) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: block }), fc.uint8Array({ maxLength: 300 }), (key, message) => {
      expect(hmac(algorithm, key, message)).toEqual(createHmac(algorithm, key).update(message).digest());
    }),
  );
  expect(() => hmac(algorithm, new Uint8Array(block + 1), new Uint8Array())).toThrow(RangeError);
});
