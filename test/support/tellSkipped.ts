import type { Reporter } from "vitest/node";

/** At the end of a run, what was skipped and why: the reason given, else the name says it. */
export const tellSkipped: Reporter = {
  onTestRunEnd(modules) {
    if (process.env.TEST_LONG !== "on")
      console.log("not run here: what takes long (npm run test:long), faults (npm run test:faults)");
    for (const module of modules)
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const reason = result.state === "skipped" ? result.note : undefined;
        console.log(`skipped: ${module.relativeModuleId}: ${test.fullName}${reason ? ` (${reason})` : ""}`);
      }
  },
};
