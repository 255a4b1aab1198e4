import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { foldables, GoldenStates } from "../test/support/goldenStates.ts";

describe.each(foldables)("the state of a $kind", ({ kind, stateVersion, types, fold }) => {
  const golden = GoldenStates.parse(
    JSON.parse(readFileSync(new URL(`./golden/${kind}.json`, import.meta.url), "utf8")),
  );

  test("comes out as it did when its version was given, so that no snapshot of before is taken for one of now", async () => {
    expect(golden.stateVersion, "run `npm run golden`").toBe(stateVersion);
    for (const { history, state } of golden.cases)
      expect(
        await fold(history),
        `\`evolve\` makes another state of this history than version ${stateVersion} did, or the state has other fields: ` +
          "raise its stateVersion, then run `npm run golden`",
      ).toEqual(state);
  });

  test("is tried with every type of event", () => {
    const tried = new Set(golden.cases.flatMap(({ history }) => history.map(({ type }) => type)));
    expect(types.filter((type) => !tried.has(type))).toEqual([]);
    expect(types.length).toBeGreaterThan(1);
  });
});
