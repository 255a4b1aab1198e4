import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startInProcess } from "./support/inProcess.ts";

const run = promisify(execFile);
let server: Awaited<ReturnType<typeof startInProcess>>;
beforeAll(async () => {
  server = await startInProcess();
});
afterAll(() => server.stop());

const MARK = "----- end of a command -----";

test("README's curl examples work as they stand, with the answers that it shows", async () => {
  const steps = stepsOf(await readFile(new URL("../README.md", import.meta.url), "utf8"));
  expect(steps.length).toBeGreaterThan(10);
  const script = steps.map(({ command }) => `${command}\necho\necho "${MARK}"`).join("\n");
  const { stdout } = await run("bash", [
    "-euc",
    script.replaceAll("localhost:8080", server.url.slice("http://".length)),
  ]);
  const answers = stdout.split(MARK).map((answer) => answer.trim());
  for (const [index, { command, answer }] of steps.entries())
    expect({ command, answer: answers[index] }).toEqual({ command, answer: expect.stringMatching(patternOf(answer)) });
});

/** Commands and answers of the console blocks, in order. */
function stepsOf(text: string): { command: string; answer: string }[] {
  const lines = [...text.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trim().split("\n"));
  const steps: { command: string; answer: string }[] = [];
  for (const line of lines) {
    const step = steps.at(-1);
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), answer: "" });
    else if (step) step.answer = `${step.answer}\n${line}`.trim();
  }
  return steps;
}

/** `…` stands for anything but the end of a string. */
const patternOf = (answer: string): RegExp =>
  new RegExp(
    `^${answer
      .split("…")
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join('[^"]*?')}$`,
  );
