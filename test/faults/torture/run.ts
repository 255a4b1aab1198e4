import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../checker/check.ts";
import type { History } from "../checker/history.ts";
import { rules, type Violation } from "../checker/violation.ts";
import { installation, type Service } from "../harness/installation.ts";
import { randomFrom } from "../harness/randomFrom.ts";
import { steppedClock } from "../harness/steppedClock.ts";
import { startTraffic } from "../traffic/traffic.ts";
import { faults } from "./faults.ts";
import { settingsOf } from "./settings.ts";

/**
 * People who talk on many devices while everything that may break breaks, judged by the checker again and again.
 * The seed draws who does what and which fault comes after how many commands; the machine decides how they interleave.
 * Ends with 1 on a violation, and leaves the history in a file.
 */
const { seed, minutes, people, judgeEveryMs } = settingsOf(process.argv.slice(2));
const endsAt = performance.now() + minutes * 60_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

say(`torture: seed ${seed}, ${minutes} minutes, ${people} people on three devices each`);
const random = randomFrom(seed);
const plan = random.fork("faults");
const it = await installation({ SCRIPTA_TOKEN_SECONDS: "86400" });
const clocks = [steppedClock(), steppedClock()];
const services: Service[] = [];
for (const clock of clocks) services.push(await it.service(clock.environment));
const traffic = await startTraffic(it, { people, random, services });
const victims = { it, services, clocks, devices: traffic.devices };
const done = new Map<string, number>();
const names = Object.keys(faults);

let violations: Violation[] = [];
let trouble: unknown;
try {
  while (violations.length === 0 && performance.now() < endsAt) {
    const judgedAt = Math.min(performance.now() + judgeEveryMs, endsAt);
    while (performance.now() < judgedAt) {
      const name = plan.pick(names);
      const draws = plan.fork(`${name} ${plan()}`);
      await traffic.reached(traffic.begun() + 20 + plan.below(150));
      done.set(name, (done.get(name) ?? 0) + 1);
      await faults[name]?.(victims, draws);
    }
    await traffic.rest();
    violations = check(await it.history());
    say(`${Math.round(performance.now() / 1_000)} s: ${traffic.begun()} commands, ${violations.length} violations`);
    if (violations.length === 0 && performance.now() < endsAt) traffic.resume();
  }
} catch (error) {
  trouble = error;
}
report();
const failed = violations.length > 0 || trouble !== undefined;
if (failed) await keepHistory();
await traffic.close().catch(() => undefined);
await it.close();
for (const clock of clocks) await clock.remove();
process.exit(failed ? 1 : 0);

function report(): void {
  const { attempts, sightings, readings } = it.recorder;
  const outcomes = Object.entries(Object.groupBy(attempts, ({ outcome }) => outcome));
  say(`seed ${seed}`);
  say(`attempts  ${outcomes.map(([outcome, of]) => `${of?.length} ${outcome}`).join(", ")}`);
  say(`seen      ${sightings.length} changes on sockets, ${readings.length} pages over HTTP`);
  say(`faults    ${[...done].map(([name, count]) => `${count} × ${name}`).join(", ")}`);
  if (trouble !== undefined) say(`it did not come to rest: ${String(trouble)}`);
  say(violations.length === 0 ? "violations 0" : `violations ${violations.length}`);
  for (const { rule, what } of violations.slice(0, 20)) say(`  ${rule}: ${what}\n    (${rules[rule]})`);
}

async function keepHistory(): Promise<void> {
  const { attempts, sightings, readings, devices } = it.recorder;
  const log = await it.log().catch(() => []);
  const history: History = { attempts, sightings, readings, devices, log, readModels: [] };
  const file = join(tmpdir(), `scripta-torture-${seed}.json`);
  await writeFile(file, JSON.stringify(history));
  say(`history   ${file}`);
  for (const [index, service] of services.entries()) {
    const output = join(tmpdir(), `scripta-torture-${seed}-server-${index}.log`);
    await writeFile(output, service.process().output());
    say(`output    ${output}`);
  }
}
