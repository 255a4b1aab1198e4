import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { streamId } from "../domain/ids.ts";
import { contentKey } from "./contentKey.ts";
import { type Bound, openingOf, openWith, payloadCommit, sealUnder } from "./seal.ts";

const Hex = z.string().transform((text) => Buffer.from(text, "hex"));
const Stream = z.templateLiteral([z.string(), "/conversation-", z.string()]);
const Vector = z.object({
  subjectSecret: Hex,
  bucketSecret: Hex,
  info: z.string(),
  contentKey: Hex,
  nonce: Hex,
  aad: z.string(),
  text: z.string(),
  mk: Hex,
  commitment: Hex,
  ciphertext: Hex,
  tag: Hex,
  payloadCommit: Hex,
});
const Aad = z.tuple([z.literal("scripta/aad/v1"), z.string(), z.string(), z.number(), Stream, z.string(), z.string()]);

const vectorsIn = (file: string) => readFileSync(new URL(`vectors/${file}`, import.meta.url), "utf8");
const vectors = z
  .array(Vector)
  .min(1)
  .parse(JSON.parse(vectorsIn("seal.json")));

function boundBy(aad: string): Bound {
  const [, id, type, version, stream, subject, bucket] = Aad.parse(JSON.parse(aad));
  return { id, type, version, stream, subject, bucket };
}

describe.each(vectors)("what two other programs computed for $aad", (vector) => {
  const bound = boundBy(vector.aad);
  const key = contentKey(vector.subjectSecret, vector.bucketSecret, bound);
  const sealed = sealUnder(key, bound, Buffer.from(vector.text), vector.nonce);

  test("the content key is the same", () => expect(key.export().equals(vector.contentKey)).toBe(true));
  test("the opening is the same", () => expect(openingOf(key, vector.nonce)).toEqual(vector.mk));
  test("the sealed content is the same", () =>
    expect(sealed).toEqual({
      subject: bound.subject,
      bucket: bound.bucket,
      commitment: vector.commitment,
      nonce: vector.nonce,
      ciphertext: Buffer.concat([vector.ciphertext, vector.tag]),
    }));
  test("the commitment in the public log is the same", () =>
    expect(payloadCommit(bound, sealed)).toEqual(vector.payloadCommit));
  test("it opens", () => expect(openWith(vector.mk, bound, sealed)?.toString()).toBe(vector.text));
});

const day = fc.integer({ min: 0, max: 40_000 }).map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10));
const aBound: fc.Arbitrary<Bound> = fc.record({
  id: fc.uuid(),
  type: fc.constantFrom("MessageSent", "MessageEdited"),
  version: fc.integer({ min: 1, max: 9 }),
  stream: fc.uuid().map((id) => streamId("main", "conversation", id)),
  subject: fc.uuid(),
  bucket: fc.oneof(day, fc.constant("-")),
});
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const aSealing = fc.record({
  bound: aBound,
  key: bytes(32),
  nonce: bytes(12),
  plain: fc.uint8Array({ maxLength: 200 }),
});

test("whatever is sealed opens again, and says nothing in clear", () =>
  fc.assert(
    fc.property(aSealing, ({ bound, key: raw, nonce, plain }) => {
      const key = createSecretKey(raw);
      const sealed = sealUnder(key, bound, plain, nonce);
      expect(openWith(openingOf(key, nonce), bound, sealed)).toEqual(Buffer.from(plain));
      expect(sealed.ciphertext.length).toBe(plain.length + 16);
      if (plain.length > 8) expect(Buffer.from(sealed.ciphertext).includes(Buffer.from(plain))).toBe(false);
    }),
  ));

test("any bit that is flipped is noticed, and changes the public commitment", () =>
  fc.assert(
    fc.property(
      aSealing,
      fc.constantFrom("commitment", "nonce", "ciphertext"),
      fc.nat(),
      ({ bound, key: raw, nonce, plain }, part, where) => {
        const key = createSecretKey(raw);
        const sealed = sealUnder(key, bound, plain, nonce);
        const bad = Buffer.from(sealed[part]);
        const bit = where % (bad.length * 8);
        bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const altered = { ...sealed, [part]: bad };
        expect(openWith(openingOf(key, altered.nonce), bound, altered)).toBeUndefined();
        expect(payloadCommit(bound, altered)).not.toEqual(payloadCommit(bound, sealed));
      },
    ),
  ));

test("what was sealed for one event opens for no other: id, type, version, stream, subject and bucket are bound", () =>
  fc.assert(
    fc.property(
      aSealing,
      aBound,
      fc.constantFrom<keyof Bound>("id", "type", "version", "stream", "subject", "bucket"),
      ({ bound, key: raw, nonce, plain }, other, field) => {
        fc.pre(bound[field] !== other[field]);
        const key = createSecretKey(raw);
        const sealed = sealUnder(key, bound, plain, nonce);
        expect(openWith(openingOf(key, nonce), { ...bound, [field]: other[field] }, sealed)).toBeUndefined();
      },
    ),
  ));

test("an opening opens its own event and no other of the same key", () =>
  fc.assert(
    fc.property(aSealing, bytes(12), ({ bound, key: raw, nonce, plain }, otherNonce) => {
      fc.pre(Buffer.compare(nonce, otherNonce) !== 0);
      const key = createSecretKey(raw);
      const other = sealUnder(key, bound, plain, otherNonce);
      expect(openWith(openingOf(key, nonce), bound, other)).toBeUndefined();
    }),
  ));

test("what is cut short is refused, down to nothing", () => {
  const [vector] = vectors;
  if (!vector) throw new Error("no vectors");
  const bound = boundBy(vector.aad);
  const sealed = sealUnder(
    contentKey(vector.subjectSecret, vector.bucketSecret, bound),
    bound,
    Buffer.from("abc"),
    vector.nonce,
  );
  for (let length = 0; length < sealed.ciphertext.length; length++)
    expect(
      openWith(vector.mk, bound, { ...sealed, ciphertext: sealed.ciphertext.subarray(0, length) }),
    ).toBeUndefined();
  expect(openWith(vector.mk, bound, { ...sealed, commitment: sealed.commitment.subarray(1) })).toBeUndefined();
});

const Refused = z.object({
  wrong: z.string(),
  contentKey: Hex,
  aad: z.string(),
  commitment: Hex,
  nonce: Hex,
  ciphertext: Hex,
});
test.each(
  z
    .array(Refused)
    .min(1)
    .parse(JSON.parse(vectorsIn("refused.json"))),
)("does not open: $wrong", ({ contentKey: raw, aad, ...parts }) => {
  const bound = boundBy(aad);
  const opening = openingOf(createSecretKey(raw), parts.nonce);
  expect(openWith(opening, bound, { subject: bound.subject, bucket: bound.bucket, ...parts })).toBeUndefined();
});
