import { defineConfig } from "vitest/config";
import { tellSkipped } from "./test/support/tellSkipped.ts";

export default defineConfig({
  test: {
    globalSetup: ["test/support/startPostgres.ts"],
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", tellSkipped],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
