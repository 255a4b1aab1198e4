import { configDefaults, defineConfig } from "vitest/config";
import { tellSkipped } from "./test/support/tellSkipped.ts";

const LONG = "**/*.long.test.ts";
/** Those that take long have a run of their own, so that everybody waits for all others only. */
const long = process.env.TEST_LONG === "on";

export default defineConfig({
  test: {
    include: long ? [LONG] : configDefaults.include,
    exclude: long ? configDefaults.exclude : [...configDefaults.exclude, LONG],
    globalSetup: ["test/support/startPostgres.ts"],
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", tellSkipped],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
