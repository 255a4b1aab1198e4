import { expect, test } from "vitest";
import { createPasswords, PasswordsBusy } from "./passwords.ts";

const passwords = createPasswords({ cost: 10 });

test("a password is known again, and no other", async () => {
  const stored = await passwords.hash("correct horse");
  expect(await passwords.verify("correct horse", stored)).toBe(true);
  expect(await passwords.verify("correct horsf", stored)).toBe(false);
});

test("the same password is never stored alike twice", async () =>
  expect(await passwords.hash("correct horse")).not.toBe(await passwords.hash("correct horse")));

test("what was stored under other parameters is still known", async () => {
  const stored = await createPasswords({ cost: 11 }).hash("correct horse");
  expect(await passwords.verify("correct horse", stored)).toBe(true);
});

test("nobody's password is never right, not even an empty one", async () => {
  expect(await passwords.verify("", undefined)).toBe(false);
  expect(await passwords.verify("", null)).toBe(false);
});

test("a damaged hash is an error, not a wrong password", async () =>
  expect(passwords.verify("correct horse", "scrypt$1")).rejects.toThrow("no known form"));

test("a flood is worked off a few at a time, and refused beyond its queue", async () => {
  const few = createPasswords({ cost: 10, atOnce: 2, queue: 3 });
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => few.hash("correct horse")));
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refused).toHaveLength(4);
  for (const { reason } of refused) expect(reason).toBeInstanceOf(PasswordsBusy);
  expect(await few.hash("correct horse")).toMatch(/^scrypt\$10\$8\$1\$/);
});
