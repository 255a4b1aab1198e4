import { expect, test } from "vitest";
import { AsOf } from "./asOf.ts";

test.each([
  ["90211", { position: 90_211 }],
  ["2026-11-20T08:00Z", { time: Date.UTC(2026, 10, 20, 8) }],
  ["2026-11-20T08:00:01.25Z", { time: Date.UTC(2026, 10, 20, 8, 0, 1, 250) }],
  ["2026-11-20T08:00+05:30", { time: Date.UTC(2026, 10, 20, 2, 30) }],
  ["2024-02-29T23:59-01:00", { time: Date.UTC(2024, 2, 1, 0, 59) }],
])("%s names a moment", (text, moment) => {
  expect(AsOf.parse(text)).toEqual(moment);
});

test.each([
  ["a day that there is not", "2026-02-31T08:00Z"],
  ["29 February of a common year", "2026-02-29T08:00Z"],
  ["a month that there is not", "2026-13-01T08:00Z"],
  ["an hour that there is not", "2026-11-20T25:00Z"],
  ["a time of no zone", "2026-11-20T08:00"],
  ["a day alone", "2026-11-20"],
  ["a position below 0", "-1"],
  ["a position that is no safe number", "9999999999999999"],
  ["a word", "yesterday"],
])("%s (%s) is refused, and not taken for another moment", (_, text) => {
  expect(AsOf.safeParse(text).success).toBe(false);
});
