import { setTimeout as pause } from "node:timers/promises";
import type { Caught, Side, Where } from "../harness/databaseLink.ts";
import type { Installation, Service } from "../harness/installation.ts";
import type { Random } from "../harness/randomFrom.ts";
import type { RecordedDevice } from "../harness/recordedDevice.ts";

export interface Victims {
  readonly it: Installation;
  readonly services: readonly Service[];
  readonly clocks: readonly { step(ms: number): Promise<void> }[];
  readonly devices: readonly RecordedDevice[];
}

type Fault = (victims: Victims, random: Random) => Promise<void>;

const inProjection = (transaction: readonly string[]) => transaction.includes("projector-move-checkpoints");
/** Statements at which things break, and what they are in words. */
const moments: readonly (readonly [string, Side, Where])[] = [
  ["an append, before the database heard of it", "asked", (statement) => statement === "log.append"],
  ["an append, committed and not yet answered", "answered", (statement) => statement === "log.append"],
  ["projecting, with its checkpoint moved", "answered", (statement) => statement === "projector-move-checkpoints"],
  ["projecting, before its commit", "asked", (statement, tx) => statement === "commit" && inProjection(tx)],
  [
    "projecting, committed and not yet answered",
    "answered",
    (statement, tx) => statement === "commit" && inProjection(tx),
  ],
];

const MOST_MS = 3_000;

/** What to do at a moment: nothing where it does not come soon. */
async function atMoment({ it }: Victims, random: Random, act: (caught: Caught) => Promise<void>): Promise<void> {
  const [, side, where] = random.pick(moments);
  const caught = await Promise.race([it.link.catchAt(side, where, 1 + random.below(4)), pause(MOST_MS)]);
  if (!caught) return;
  await act(caught);
  caught.cut();
}

async function killed(service: Service): Promise<void> {
  await service.kill();
  await service.start();
}

export const faults: Readonly<Record<string, Fault>> = {
  "a server killed": ({ services }, random) => killed(random.pick(services)),
  "all servers killed": async ({ services }) => void (await Promise.all(services.map(killed))),
  "servers killed at a moment": (victims, random) =>
    atMoment(victims, random, async () => {
      await Promise.all(victims.services.map((service) => service.kill()));
      void victims.it.link.cutAll();
      await Promise.all(victims.services.map((service) => service.start()));
    }),
  "the link broken at a moment": (victims, random) => atMoment(victims, random, async () => {}),
  "all links broken": async ({ it }) => it.link.cutAll(),
  "the link hanging": async ({ it }, random) => {
    it.link.hang(true);
    await pause(200 + random.below(2_000));
    it.link.hang(false);
  },
  "the database restarted": ({ it }) => it.restartDatabase("fast"),
  "the database killed": ({ it }) => it.restartDatabase("kill"),
  "a server frozen": async ({ services }, random) => {
    const { pid } = random.pick(services).process().child;
    if (!pid) return;
    process.kill(pid, "SIGSTOP");
    await pause(500 + random.below(3_000));
    process.kill(pid, "SIGCONT");
  },
  "a server drained": async ({ services }, random) => {
    const service = random.pick(services);
    await service.stop();
    await service.start();
  },
  "a slow reader": async ({ devices }, random) => {
    const socket = random.pick(devices).socket();
    socket?.pause();
    await pause(500 + random.below(2_000));
    socket?.resume();
  },
  "a clock an hour ahead": ({ clocks }, random) => random.pick(clocks).step(3_600_000),
  "a clock an hour behind": ({ clocks }, random) => random.pick(clocks).step(-3_600_000),
  "a clock put right": ({ clocks }, random) => random.pick(clocks).step(0),
};
