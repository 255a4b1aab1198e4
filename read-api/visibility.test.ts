import fc from "fast-check";
import { expect, test } from "vitest";
import { visible } from "../domain/conversation/visibility.ts";
import { clip, visibleRanges } from "./visibility.ts";

const anyMemberships = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 4 }).chain((lengths) =>
  fc.boolean().map((present) => {
    let seq = 0;
    return lengths.map(([gap, length], index) => {
      const afterSeq = seq + gap;
      seq = afterSeq + length;
      return { afterSeq, lastSeq: present && index === lengths.length - 1 ? null : seq };
    });
  }),
);

test("the ranges that statements walk hold exactly the messages that one may see", () => {
  fc.assert(
    fc.property(
      anyMemberships,
      fc.constantFrom("joined" as const, "all" as const),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.option(fc.integer({ min: 1, max: 60 })),
      (memberships, historyVisibility, seq, from, to) => {
        const within = clip(visibleRanges(memberships, historyVisibility), from, to).some(
          (range) => seq >= range.from && (range.to === null || seq <= range.to),
        );
        const asked = seq >= from && (to === null || seq <= to);
        expect(within).toBe(asked && visible(memberships, historyVisibility, seq));
      },
    ),
  );
});
