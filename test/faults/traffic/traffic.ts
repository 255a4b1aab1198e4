import { setTimeout as pause } from "node:timers/promises";
import { ScriptaClient } from "../../../clients/sdk/index.ts";
import { apiOf, type Person, passwordOf } from "../../support/apiClient.ts";
import type { Attempt, Device } from "../checker/history.ts";
import { type Actor, actor, type Identity, insist } from "../harness/actor.ts";
import { atRest, openForEvidence } from "../harness/evidence.ts";
import type { Installation, Service } from "../harness/installation.ts";
import type { Random } from "../harness/randomFrom.ts";
import type { RecordedDevice } from "../harness/recordedDevice.ts";
import { until } from "../harness/until.ts";
import { sdkHolding, sdkStep } from "./sdkDevice.ts";
import { type Step, Town } from "./steps.ts";

/** People who talk and read on several devices each, while somebody breaks things. */
export interface Traffic {
  /** Commands that were begun so far. */
  begun(): number;
  /** Resolves when so many were begun; rejects when a client fails by itself. */
  reached(count: number): Promise<void>;
  readonly people: readonly Identity[];
  /** Sockets, to be slow with. */
  readonly devices: readonly RecordedDevice[];
  /** Everybody finishes what they do and comes to know the same; then the devices are noted for the checker. */
  rest(): Promise<void>;
  resume(): void;
  close(): Promise<void>;
}

const NAMES = ["ada", "bo", "cy", "dee", "eve", "fay", "gus", "hal"];
/** Between two commands of one client. */
const PAUSE_MS = 12;

export interface TrafficOptions {
  readonly people?: number;
  readonly random: Random;
  /** Whom clients talk to; each keeps to one while that answers. */
  readonly services: readonly Service[];
}

/** Of each person a client over HTTP, one on a socket, and one on the SDK. */
export async function startTraffic(
  it: Installation,
  { people = 4, random, services }: TrafficOptions,
): Promise<Traffic> {
  const at = (index: number): Service => {
    const service = services[index % services.length];
    if (!service) throw new Error("nobody serves");
    return service;
  };
  const persons = await Promise.all(NAMES.slice(0, people).map((name, index) => apiOf(at(index).url()).person(name)));
  const town = new Town(persons.map(({ userId }) => userId));
  const [owner] = persons;
  if (!owner) throw new Error("nobody is here");
  const founder = actor(it.recorder, owner, () => at(0).url());
  const found = async (name: string, members: readonly Person[]) => {
    const payload = { kind: "group", name, members: members.map(({ userId }) => ({ userId })) };
    const { conversationId } = await insist(() => founder.command("CreateConversation", payload, random.uuid()));
    if (!conversationId) throw new Error("no conversation");
    town.places.push({
      id: conversationId,
      members: new Set([owner, ...members].map(({ userId }) => userId)),
      messages: [],
    });
    return conversationId;
  };
  const others = persons.slice(1);
  town.lobby = await found("lobby", others);
  await found("tea", others);
  await found("plans", others.slice(0, 1));

  let begun = 0;
  let working: Promise<unknown>[] = [];
  let isOpen = false;
  let failure: unknown;
  const devices: RecordedDevice[] = [];
  const sdks: { readonly client: ScriptaClient; holding(): Device }[] = [];
  const loops: (() => Promise<void>)[] = [];

  /** Draws, does, learns; until told to rest. */
  function loop(draws: Random, userId: string, act: (step: Step) => Promise<Attempt>, between = async () => {}): void {
    // A generator a step: however much one takes, the next ones stay what they are.
    let steps = 0;
    loops.push(async () => {
      while (isOpen) {
        const step = town.draw(draws.fork(`step ${steps++}`), userId, draws.uuid());
        begun++;
        town.learn(step, await act(step));
        await between();
        await pause(draws.below(2 * PAUSE_MS));
      }
    });
  }

  /** Again with the same id, but for the few who give up. */
  async function patiently(draws: Random, attempt: () => Promise<Attempt>): Promise<Attempt> {
    const givesUp = draws.below(12) === 0;
    let last = await attempt();
    while (last.outcome === "unknown" && !givesUp) {
      await pause(50 + 150 * Math.random());
      last = await attempt();
    }
    return last;
  }

  for (const [index, person] of persons.entries()) {
    const draws = (name: string) => random.fork(`${person.username.slice(0, 3)} ${name} ${index}`);
    const service = at(index);

    const overHttp = draws("http");
    const http = actor(it.recorder, person, () => service.url());
    loop(
      overHttp,
      person.userId,
      (step) => patiently(overHttp, () => http.command(step.name, step.payload, step.id)),
      async () => {
        if (overHttp.below(6) > 0) return;
        const place = overHttp.pick(town.places);
        await http.read(place.id, lastAnswered(it, person.userId));
      },
    );

    const onSocket = draws("socket");
    const { token, deviceId: _, ...tablet } = await apiOf(service.url()).login(person.username, "tablet");
    const device = it.device({ userId: tablet.userId, token }, `${NAMES[index]}'s tablet`);
    devices.push(device);
    await device.connect(service.url());
    loop(
      onSocket,
      person.userId,
      (step) =>
        patiently(onSocket, async () => {
          if (!device.live()) await device.connect(service.url());
          return device.command(step.name, step.payload, step.id);
        }),
      async () => {
        if (onSocket.below(60) === 0) device.close();
      },
    );

    const onSdk = draws("sdk");
    const { username } = person;
    const laptop = { name: "laptop", platform: "test" };
    const client = await ScriptaClient.login({
      url: service.url(),
      username,
      password: passwordOf(username),
      device: laptop,
    });
    sdks.push({ client, holding: sdkHolding(`${NAMES[index]}'s laptop`, client) });
    await client.connect();
    loop(onSdk, person.userId, (step) => sdkStep(it.recorder, client, step));
  }

  function start(): void {
    isOpen = true;
    working = loops.map((run) =>
      run().catch((error: unknown) => {
        failure ??= error;
      }),
    );
  }

  async function reconnected(): Promise<void> {
    for (const [index, device] of devices.entries())
      await until(async () => device.live() || (await device.connect(at(index).url())), `${device.name} live`, 60_000);
    await Promise.all(sdks.map(({ client }) => client.connect()));
  }

  start();
  return {
    begun: () => begun,
    people: persons,
    devices,
    async reached(count) {
      await until(() => failure !== undefined || begun >= count, `${count} commands`, 120_000);
      if (failure !== undefined) throw failure;
    },
    async rest() {
      isOpen = false;
      // Each looks after its own connection until it has finished; only then none is closed any more.
      await Promise.all([...working, ...sdks.map(({ client }) => client.connect())]);
      await reconnected();
      if (failure !== undefined) throw failure;
      await until(() => sdks.every(({ client }) => client.unanswered === 0), "an answer to all that was asked", 60_000);
      const database = openForEvidence(it.postgres.url());
      await atRest(database).finally(() => database.close());
      // What comes last shows that all before it has come.
      const last = await sentinel(founder, town.lobby, random.uuid());
      await until(
        () => devices.every(({ state }) => state.conversations.get(town.lobby)?.messages.has(last)),
        "sockets",
      );
      await until(
        () => sdks.every(({ client }) => client.messages(town.lobby).some((one) => one.messageId === last)),
        "SDKs",
      );
      await nothingMoreComes(it);
      const noted: Device[] = [...devices.map((device) => device.holding()), ...sdks.map(({ holding }) => holding())];
      it.recorder.devices.splice(0, it.recorder.devices.length, ...noted);
    },
    resume: start,
    async close() {
      isOpen = false;
      for (const { client } of sdks) await client.close();
      for (const device of devices) device.close();
    },
  };
}

/** Marks are raised together, within a second. */
const QUIET_MS = 1_500;

async function nothingMoreComes({ recorder }: Installation): Promise<void> {
  let seen = { count: -1, at: 0 };
  await until(() => {
    const { length: count } = recorder.sightings;
    if (count !== seen.count) seen = { count, at: performance.now() };
    return performance.now() - seen.at > QUIET_MS;
  }, "a moment in which nothing is told");
}

/** The last position that somebody was told of. */
const lastAnswered = ({ recorder }: Installation, userId: string): number =>
  recorder.attempts.findLast((attempt) => attempt.userId === userId && attempt.answer)?.answer?.position ?? 0;

async function sentinel(by: Actor, conversationId: string, messageId: string): Promise<string> {
  const message = { conversationId, messageId, kind: "text", text: "the last of all" };
  const { outcome } = await insist(() => by.command("SendMessage", message, messageId));
  if (outcome !== "ok") throw new Error("the last message was refused");
  return messageId;
}
