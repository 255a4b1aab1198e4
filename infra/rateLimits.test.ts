import { expect, test } from "vitest";
import { memoryRateLimits, rateLimits } from "./rateLimits.ts";

const limited = (maxKeys?: number) => {
  const clock = { ms: 0 };
  return { clock, limits: memoryRateLimits(() => clock.ms, maxKeys) };
};

test("a device sends a hundred messages at once, then twenty a second", () => {
  const { clock, limits } = limited();
  const takeAll = () => {
    let taken = 0;
    while (limits.take("sends", "phone").ok) taken++;
    return taken;
  };
  expect(takeAll()).toBe(100);
  clock.ms += 1_000;
  expect(takeAll()).toBe(20);
  clock.ms += 3_600_000;
  expect(takeAll()).toBe(100);
});

test("an address signs in ten times a minute, and is told when the next may come", () => {
  const { clock, limits } = limited();
  for (let n = 0; n < 10; n++) expect(limits.take("sign-in", "192.0.2.1")).toEqual({ ok: true });
  expect(limits.take("sign-in", "192.0.2.1")).toEqual({ ok: false, retryAfterSeconds: 6 });
  clock.ms += 5_000;
  expect(limits.take("sign-in", "192.0.2.1")).toEqual({ ok: false, retryAfterSeconds: 1 });
  clock.ms += 1_000;
  expect(limits.take("sign-in", "192.0.2.1")).toEqual({ ok: true });
});

test("one device's limit is not another's, nor one limit another", () => {
  const { limits } = limited();
  for (let n = 0; n < rateLimits.search.burst; n++) limits.take("search", "phone");
  expect(limits.take("search", "phone").ok).toBe(false);
  expect(limits.take("search", "tablet").ok).toBe(true);
  expect(limits.take("sends", "phone").ok).toBe(true);
});

test("what is refused does not count", () => {
  const { clock, limits } = limited();
  for (let n = 0; n < 1_000; n++) limits.take("sign-in", "192.0.2.1");
  clock.ms += 6_000;
  expect(limits.take("sign-in", "192.0.2.1").ok).toBe(true);
});

test("however many keys come, those in use are kept and memory is bounded", () => {
  const { limits } = limited(100);
  for (let n = 0; n < 10; n++) limits.take("sign-in", "in use");
  for (let n = 0; n < 10_000; n++) {
    limits.take("sign-in", `address ${n}`);
    if (n % 50 === 0) expect(limits.take("sign-in", "in use").ok).toBe(false);
  }
});
