import { expect, test } from "vitest";
import { daysKept, firstDayKept, shortens } from "./rules.ts";

const here = { conversationId: "here", kind: "direct" } as const;

test("the narrowest rule counts: the conversation's, else its kind's, else the tenant's", () => {
  const rules = [{ days: 3650 }, { kind: "direct" as const, days: 365 }, { conversationId: "here", days: 30 }];
  expect(daysKept(rules, here)).toBe(30);
  expect(daysKept(rules, { ...here, conversationId: "there" })).toBe(365);
  expect(daysKept(rules, { conversationId: "there", kind: "group" })).toBe(3650);
});

test("what no rule is about is kept for ever", () => {
  expect(daysKept([], here)).toBeUndefined();
  expect(daysKept([{ kind: "group", days: 1 }], here)).toBeUndefined();
});

test("a day goes once the day after it and the days kept are past", () => {
  // 2026-11-10 + 1 + 5 = 2026-11-16, which is past on the 17th.
  expect(firstDayKept(Date.parse("2026-11-16T23:59:59Z"), 5)).toBe("2026-11-10");
  expect(firstDayKept(Date.parse("2026-11-17T00:00:00Z"), 5)).toBe("2026-11-11");
});

test("rules shorten where any conversation of any kind is kept for less long", () => {
  expect(shortens([], [{ days: 36_500 }])).toBe(true);
  expect(shortens([{ days: 10 }], [{ days: 10 }, { kind: "direct", days: 9 }])).toBe(true);
  expect(shortens([{ days: 10 }, { conversationId: "here", days: 30 }], [{ days: 10 }])).toBe(true);
  // Of which kind it is nobody asks: one of the two would lose.
  const [direct, group] = [
    { kind: "direct" as const, days: 5 },
    { kind: "group" as const, days: 50 },
  ];
  expect(shortens([direct, group, { conversationId: "here", days: 20 }], [direct, group])).toBe(true);
  expect(shortens([{ days: 10 }], [{ days: 11 }])).toBe(false);
  expect(shortens([{ days: 10 }], [])).toBe(false);
  expect(
    shortens(
      [direct],
      [
        { ...direct, days: 6 },
        { conversationId: "here", days: 6 },
      ],
    ),
  ).toBe(true);
  expect(shortens([{ days: 10 }, direct], [{ days: 10 }])).toBe(false);
  expect(shortens([], [])).toBe(false);
});
