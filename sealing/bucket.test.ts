import { expect, test } from "vitest";
import { dayBucket } from "./bucket.ts";

const at = (time: string) => Date.parse(time);

test("content goes with the UTC day on which it is sealed", () => {
  expect(dayBucket(at("2026-11-21T23:59:59.999Z"), 0)).toBe("2026-11-21");
  expect(dayBucket(at("2026-11-22T00:00:00Z"), 0)).toBe("2026-11-22");
  expect(dayBucket(at("2026-11-22T01:00:00+02:00"), 0)).toBe("2026-11-21");
});

test("a clock that was set back opens no day that the log has left", () => {
  expect(dayBucket(at("2026-11-20T10:00:00Z"), at("2026-11-21T00:00:00Z"))).toBe("2026-11-21");
});
