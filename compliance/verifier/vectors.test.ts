import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { concat, fromHex, hexOf, utf8 } from "./bytes.ts";
import { entryBytes, linkOf, metaCommit, parseEntry, payloadCommit } from "./entry.ts";
import { leafHash } from "./merkle.ts";
import { openSealed } from "./opening.ts";
import { sha256 } from "./sha256.ts";

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), "utf8"));

const Hex = z.string().transform((hex) => fromHex(hex));
const Leaf = z.object({
  index: z.int(),
  stream: z.string(),
  revision: z.int(),
  recordedAt: z.string(),
  prevLeaf: Hex,
  event: z.object({ id: z.string(), type: z.string(), version: z.int() }),
  data: z.string(),
  meta: z.string(),
  payloadCommit: Hex,
  salt: Hex,
  linkSalt: Hex,
  link: z.string(),
  streamTag: Hex,
  metaCommit: z.string(),
  entry: z.string(),
  leaf: z.string(),
});
const leaves = z.object({ entries: z.array(Leaf) }).parse(read("leaf")).entries;
const seals = z
  .array(
    z.object({
      nonce: Hex,
      aad: z.string(),
      text: z.string(),
      mk: Hex,
      commitment: Hex,
      ciphertext: Hex,
      tag: Hex,
      payloadCommit: z.string(),
    }),
  )
  .parse(read("seal"));

test("SHA-256 is that of everybody else, at every length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(hexOf(sha256(bytes))).toBe(hash("sha256", bytes));
    }),
  );
});

test("an entry and its leaf have the bytes that two other programs gave them", () => {
  expect(leaves).toHaveLength(2);
  for (const it of leaves) {
    const { index, streamTag: tag } = it;
    const link = linkOf(it.linkSalt, it.prevLeaf);
    expect(hexOf(link)).toBe(it.link);
    const commit = metaCommit({ ...it, link, recordedAt: Date.parse(it.recordedAt) });
    expect(hexOf(commit)).toBe(it.metaCommit);
    const bytes = entryBytes({ index, tag, payloadCommit: it.payloadCommit, metaCommit: commit });
    expect(hexOf(bytes)).toBe(it.entry);
    expect(hexOf(leafHash(bytes))).toBe(it.leaf);
    expect(parseEntry(bytes)).toEqual({ index, tag, payloadCommit: it.payloadCommit, metaCommit: commit });
  }
});

test("an event is opened by its own opening and no other, and commits to what is sealed", async () => {
  expect(seals).toHaveLength(3);
  for (const { nonce, aad, commitment, ciphertext, tag, mk, text, ...it } of seals) {
    const sealed = { nonce, aad, commitment, ciphertext: concat(ciphertext, tag) };
    expect(hexOf(payloadCommit(sealed))).toBe(it.payloadCommit);
    expect(await openSealed(mk, sealed)).toEqual(JSON.parse(text));
    const [first = 0] = mk;
    expect(await openSealed(concat(Uint8Array.of(first ^ 1), mk.subarray(1)), sealed)).toBeUndefined();
    expect(await openSealed(mk, { ...sealed, aad: `${aad} ` })).toBeUndefined();
  }
});

test("what is no entry is refused", () => {
  const [{ entry } = { entry: "" }] = leaves;
  expect(() => parseEntry(fromHex(entry.slice(2)))).toThrow(SyntaxError);
  expect(() => parseEntry(utf8("x".repeat(114)))).toThrow(SyntaxError);
});
