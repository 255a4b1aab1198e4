import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** One way to do the work. A turn does it once and checks what it did. */
export interface Contender {
  readonly name: string;
  /** Does `size` units of work and gives the seconds that it took, without preparation and checks. */
  turn(): Promise<number>;
}

export interface Comparison {
  /** What is measured, with its sizes, durability and processes. */
  readonly title: string;
  readonly unit: string;
  readonly size: number;
  readonly ours: Contender;
  readonly baselines: readonly Contender[];
  readonly pairs?: number;
  readonly warmUps?: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Compared {
  readonly title: string;
  readonly unit: string;
  readonly perSecond: Readonly<Record<string, Spread>>;
  /** Ours divided by each baseline, turn by turn. */
  readonly ratio: Readonly<Record<string, Spread>>;
}

/** Something that is the better the less it is: memory, time. */
export interface CostContender {
  readonly name: string;
  /** Does the work once, checks it, and gives its cost. */
  turn(): Promise<number>;
}

export interface ComparedCosts {
  readonly title: string;
  readonly unit: string;
  readonly cost: Readonly<Record<string, Spread>>;
  /** The first one's divided by each other's, turn by turn. */
  readonly ratio: Readonly<Record<string, Spread>>;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

/** Runs ours and the baselines in turns (A B C A B C …), so that whatever else the machine does meets all of them. */
export async function compare(comparison: Comparison): Promise<Compared> {
  const { title, unit, size, ours, baselines, pairs = 5, warmUps = 1 } = comparison;
  const contenders = [ours, ...baselines];
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < pairs; round++)
    for (const { name, turn } of contenders) {
      const rate = size / (await turn());
      if (round >= 0) rates.get(name)?.push(rate);
    }
  const own = rates.get(ours.name) ?? [];
  const perSecond = Object.fromEntries([...rates].map(([name, values]) => [name, spread(values)]));
  const ratio = Object.fromEntries(
    baselines.map(({ name }) => [
      name,
      spread((rates.get(name) ?? []).map((rate, at) => (own[at] ?? Number.NaN) / rate)),
    ]),
  );
  const compared = { title, unit, perSecond, ratio };
  print(compared);
  return compared;
}

/** As `compare`, for costs. */
export async function compareCosts(comparison: {
  readonly title: string;
  readonly unit: string;
  readonly ours: CostContender;
  readonly baselines: readonly CostContender[];
  readonly pairs?: number;
  readonly warmUps?: number;
}): Promise<ComparedCosts> {
  const { title, unit, ours, baselines, pairs = 5, warmUps = 1 } = comparison;
  const contenders = [ours, ...baselines];
  const costs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < pairs; round++)
    for (const { name, turn } of contenders) {
      const cost = await turn();
      if (round >= 0) costs.get(name)?.push(cost);
    }
  const own = costs.get(ours.name) ?? [];
  const ratio = Object.fromEntries(
    baselines.map(({ name }) => [
      name,
      spread((costs.get(name) ?? []).map((cost, at) => (own[at] ?? Number.NaN) / cost)),
    ]),
  );
  const compared = {
    title,
    unit,
    cost: Object.fromEntries([...costs].map(([name, values]) => [name, spread(values)])),
    ratio,
  };
  console.log(`\n${title}`);
  console.table(
    Object.entries(compared.cost).map(([name, cost]) => {
      const against = ratio[name];
      return {
        who: name,
        [`${unit}, median (min–max)`]: exact(cost),
        [`${ours.name} ÷ this`]: against ? exact(against) : "",
      };
    }),
  );
  return compared;
}

const exact = ({ median, min, max }: Spread) => `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;

function print({ title, unit, perSecond, ratio }: Compared): void {
  console.log(`\n${title}`);
  const whole = ({ median, min, max }: Spread) => `${Math.round(median)} (${Math.round(min)}–${Math.round(max)})`;
  console.table(
    Object.entries(perSecond).map(([name, rate]) => {
      const against = ratio[name];
      return { who: name, [`${unit}/s, median (min–max)`]: whole(rate), "ours ÷ this": against ? exact(against) : "" };
    }),
  );
}

/** Writes what was measured, with the machine it was measured on. */
export function keep(name: string, results: readonly object[]): void {
  mkdirSync("bench/results", { recursive: true });
  const machine = { cores: availableParallelism(), node: process.version, platform: process.platform };
  writeFileSync(`bench/results/${name}.json`, `${JSON.stringify({ name, machine, results }, null, 2)}\n`);
}
