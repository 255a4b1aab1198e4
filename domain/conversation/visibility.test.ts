import fc from "fast-check";
import { expect, test } from "vitest";
import { firstSeq, isMember, type Membership, visible } from "./visibility.ts";

const seen = (memberships: readonly Membership[], historyVisibility: "joined" | "all" = "joined") =>
  [1, 2, 3, 4, 5, 6, 7, 8].filter((seq) => visible(memberships, historyVisibility, seq));

const since = (afterSeq: number): Membership => ({ afterSeq, lastSeq: null });
const between = (afterSeq: number, lastSeq: number): Membership => ({ afterSeq, lastSeq });

test("whoever never was a member sees nothing, however open the history is", () => {
  expect(seen([])).toEqual([]);
  expect(seen([], "all")).toEqual([]);
});

test("whoever is not a member now sees nothing, whatever one saw once", () => {
  expect(seen([between(0, 8)])).toEqual([]);
  expect(seen([between(0, 8)], "all")).toEqual([]);
});

test("a member sees what came after joining", () => expect(seen([since(5)])).toEqual([6, 7, 8]));

test("a member who came back sees what was said in each of the memberships, and nothing in between", () =>
  expect(seen([between(0, 2), between(3, 4), since(6)])).toEqual([1, 2, 4, 7, 8]));

test("where the history is open, a member sees everything", () =>
  expect(seen([between(0, 2), since(6)], "all")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]));

test("a membership in which nothing was said shows nothing", () => expect(seen([between(2, 2), since(8)])).toEqual([]));

test("the history of the present membership begins after joining, or with the first message where it is open", () => {
  expect(firstSeq([between(0, 2), since(6)], "joined")).toBe(7);
  expect(firstSeq([between(0, 2), since(6)], "all")).toBe(1);
  expect(firstSeq([since(0)], "joined")).toBe(1);
});

test("being a member is being in the last membership", () => {
  expect(isMember([since(0)])).toBe(true);
  expect(isMember([between(0, 4), since(4)])).toBe(true);
  expect(isMember([between(0, 4)])).toBe(false);
  expect(isMember([])).toBe(false);
});

test("opening the history never hides anything, and nobody sees it without being a member", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(9))), fc.boolean(), fc.nat(12), (stretches, present, seq) => {
      const memberships: Membership[] = stretches.map(([afterSeq, length]) => between(afterSeq, afterSeq + length));
      if (present) memberships.push(since(5));
      if (visible(memberships, "joined", seq)) expect(visible(memberships, "all", seq)).toBe(true);
      expect(visible(memberships, "all", seq)).toBe(isMember(memberships));
    }),
  ));
