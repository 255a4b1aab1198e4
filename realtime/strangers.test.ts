import { expect, test } from "vitest";
import { Strangers } from "./strangers.ts";

test("an address is full at its bound, another is not, and whoever signs in or goes makes room once", () => {
  const strangers = new Strangers(2);
  const [one, two, three] = [{}, {}, {}];
  strangers.add(one, "192.0.2.1");
  expect(strangers.full("192.0.2.1")).toBe(false);
  strangers.add(two, "192.0.2.1");
  expect(strangers.full("192.0.2.1")).toBe(true);
  expect(strangers.full("192.0.2.2")).toBe(false);
  strangers.remove(one);
  strangers.remove(one);
  expect(strangers.full("192.0.2.1")).toBe(false);
  strangers.add(three, "192.0.2.1");
  expect(strangers.full("192.0.2.1")).toBe(true);
});
