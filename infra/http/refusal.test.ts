import { expect, test, vi } from "vitest";
import { KeysUnavailable } from "../ports/secrets.ts";
import { outageRejection } from "./refusal.ts";

const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });

test("what is wrong with the keys is told to the operator alone: it names streams, people and files", () => {
  const log = vi.fn();
  const refused = outageRejection(new KeysUnavailable("the week key keys/week/17 is damaged"), log);
  expect(refused).toMatchObject({ rejected: "unavailable", detail: expect.not.stringContaining("keys/week") });
  expect(log).toHaveBeenCalledExactlyOnceWith("the week key keys/week/17 is damaged");
});

test("keys that cannot be had because the database is away are an outage of the database, and no defect to log", () => {
  const log = vi.fn();
  const refused = outageRejection(new KeysUnavailable("the key store does not answer", { cause: away }), log);
  expect(refused).toEqual(outageRejection(away, log));
  expect(log).not.toHaveBeenCalled();
});

test("a defect is no outage", () => {
  expect(outageRejection(new TypeError("undefined is not a function"), vi.fn())).toBeUndefined();
});
