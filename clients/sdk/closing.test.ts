import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { afterClose } from "./closing.ts";

const ended = { live: true, attempt: 0, renewed: false };
const half = () => 0.5;

describe("after a connection ended", () => {
  test("a slow or restarted server is resumed at once", () => {
    for (const code of [4008, 4010])
      expect(afterClose({ ...ended, code }, half)).toEqual({ do: "connect", afterMs: 0 });
  });

  test("a server that goes away again and again is given time", () => {
    expect(afterClose({ code: 4010, live: false, attempt: 3, renewed: false }, half)).toEqual({
      do: "connect",
      afterMs: 2_000,
    });
  });

  test("a token that was refused is renewed once; the next refusal is final", () => {
    expect(afterClose({ ...ended, code: 4001 })).toEqual({ do: "connect", afterMs: 0, renew: true });
    expect(afterClose({ ...ended, code: 4001, live: false, renewed: true })).toEqual({ do: "stop", why: "signed-out" });
  });

  test("a connection that was replaced stays down", () => {
    expect(afterClose({ ...ended, code: 4009 })).toEqual({ do: "stop", why: "replaced" });
  });

  test("who was limited for long waits for long", () => {
    expect(afterClose({ ...ended, code: 4029 }, half)).toEqual({ do: "connect", afterMs: 30_250 });
  });

  test("a broken connection comes back later each time, at random, and never later than after 30 s", () => {
    expect(afterClose({ code: 1006, live: false, attempt: 2, renewed: false }, half)).toEqual({
      do: "connect",
      afterMs: 1_000,
    });
    expect(backoffMs(1_000, () => 1)).toBe(30_000);
    expect(backoffMs(5, () => 0)).toBe(0);
  });
});
