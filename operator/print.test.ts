import { expect, test, vi } from "vitest";
import { print, table } from "./print.ts";

const attack = "\u001b]0;owned\u0007\u001b[2J\u009b31m\nhold  none\u202egnp.exe";

test("nothing that others wrote, such as the reason of a hold or a file's name in an archive, speaks to the terminal", () => {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    print({}, false, [
      `${attack} is not of this archive`,
      ...table([
        ["hold", "reason"],
        ["h1", attack],
      ]),
    ]);
  } finally {
    out.mockRestore();
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  expect(written.join("")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  // A row stays one row: nobody writes another one into the list.
  expect(
    table([
      ["hold", "reason"],
      ["h1", attack],
    ]),
  ).toHaveLength(2);
  expect(
    table([
      ["hold", "reason"],
      ["h1", attack],
    ])[1],
  ).not.toContain("\n");
});
