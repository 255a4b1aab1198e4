import { defineConfig } from "vitest/config";
import { tellSkipped } from "../support/tellSkipped.ts";

/** The faults: each file starts processes and databases of its own and breaks them, so they run one after the other. */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.fault.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ["default", tellSkipped],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
