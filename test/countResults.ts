import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";

/**
 * `node test/countResults.ts <vitest's JSON> <its exit code>` prints `<passed> <failed>`, and on standard error what was
 * skipped and what failed. A file that did not even load counts as a failure, and so do no tests at all and an exit code
 * that nothing explains.
 */

const Results = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});

const [file = "", exitCode = ""] = process.argv.slice(2);
const { testResults } = Results.parse(JSON.parse(await readFile(file, "utf8")));
const tests = testResults.flatMap(({ name: file, assertionResults }) =>
  assertionResults.map((test) => ({ ...test, file: relative(process.cwd(), file) })),
);
const count = (status: string) => tests.filter((test) => test.status === status).length;
const unloaded = testResults.filter(
  ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
);
for (const { fullName, status } of tests)
  if (status !== "passed" && status !== "failed") console.error(`skipped: ${fullName}`);
for (const { file, fullName, status, failureMessages } of tests)
  if (status === "failed") console.error(`failed: ${file}: ${fullName}\n${failureMessages.join("\n")}`);
for (const { name } of unloaded) console.error(`did not run to its end: ${name}`);
const passed = count("passed");
const failed = count("failed") + unloaded.length;
const unexplained = failed === 0 && (exitCode !== "0" || passed === 0) ? 1 : 0;
console.log(`${passed} ${failed + unexplained}`);
