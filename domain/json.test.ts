import { expect, test } from "vitest";
import { parseJson } from "./json.ts";

const refused = { rejected: "validation-failed" };

test("JSON is read as it is, its code points untouched", () => {
  const value = { text: " é\u0301 👩‍⚕️ \u202Eאב ", list: [1, null, true] };
  expect(parseJson(JSON.stringify(value))).toEqual({ value });
});

test("JSON may be 32 deep and no deeper", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  expect(parseJson(nested(32))).toHaveProperty("value");
  expect(parseJson(nested(33))).toMatchObject(refused);
  expect(parseJson(nested(100_000))).toMatchObject(refused);
});

test("no string holds what a database or a screen cannot", () => {
  expect(parseJson('{"text":"a\\u0000b"}')).toMatchObject(refused);
  expect(parseJson('{"a\\u0000b":1}')).toMatchObject(refused);
  expect(parseJson('["\\ud800"]')).toMatchObject(refused);
  expect(parseJson('["\\ud83d\\ude00"]')).toEqual({ value: ["😀"] });
});

test("what is not JSON is refused, and no name reaches JavaScript's own", () => {
  for (const text of ["", "{", "undefined", "{'a':1}", '{"a":1,}', "NaN", '{"__proto__":{"admin":true}}'])
    expect(parseJson(text), text).toMatchObject(refused);
});
