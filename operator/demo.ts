import { isDeepStrictEqual } from "node:util";
import { ScriptaClient } from "../clients/sdk/index.ts";
import { demoLine, demoScreen, type ShownDevice } from "./demoScreen.ts";
import { startTemporaryServer } from "./temporaryServer.ts";

interface Person {
  readonly name: string;
  readonly userId: string;
  /** Reads on the second alone, so that the first shows what comes from elsewhere. */
  readonly devices: readonly [ShownDevice, ShownDevice];
  /** How long this person leaves a message unread. */
  readonly readsAfterMs: number;
}

const SECONDS = 36;
const AWAY = { fromSecond: 9, toSecond: 21 };
const PASSWORD = "not a secret at all";
const SAYINGS: readonly (readonly [speaker: 0 | 1 | 2, text: string])[] = [
  [0, "Shall we meet on Thursday?"],
  [1, "Thursday is good. Where?"],
  [2, "The café by the river opens at four."],
  [0, "Four it is ☕"],
  [2, "I bring the drawings."],
  [1, "And I the cake 🍰"],
  [0, "Chocolate?"],
  [2, "Chocolate!"],
  [1, "Then chocolate it shall be."],
  [0, "Who else is coming?"],
  [2, "My sister, perhaps."],
  [0, "She is welcome."],
  [1, "I am in a tunnel, but this will get out."],
  [2, "The train is late, as ever."],
];

/** Three people on two devices each, talking on a server of their own for half a minute. Resolves with the exit code. */
export async function demoCommand(): Promise<number> {
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  process.stdout.write("Starting a server of its own in a temporary folder …\n");
  const server = await startTemporaryServer();
  const people: Person[] = [];
  try {
    for (const [name, readsAfterMs] of [
      ["Ada", 700],
      ["Bo", 1_500],
      ["Cy", 5_000],
    ] as const) {
      people.push(await join(server.url, name, readsAfterMs));
    }
    return await talk(people, stop.signal);
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    for (const { client } of devicesOf(people)) await client.close();
    await server.stop();
  }
}

const devicesOf = (people: readonly Person[]): ShownDevice[] => people.flatMap(({ devices }) => devices);

async function join(url: string, name: string, readsAfterMs: number): Promise<Person> {
  const account = { url, username: name.toLowerCase(), password: PASSWORD };
  const { userId } = await ScriptaClient.register({ ...account, displayName: name });
  const device = async (what: string): Promise<ShownDevice> => {
    const client = await ScriptaClient.login({ ...account, device: { name: what, platform: "demo" } });
    await client.connect();
    return { label: `${name}'s ${what}`, client };
  };
  return { name, userId, readsAfterMs, devices: [await device("phone"), await device("laptop")] };
}

/** What is shown and told at the end. */
interface Seen {
  headline: string;
  sent: number;
  missed: number;
  caughtUpMs: number;
}

async function talk(people: readonly Person[], signal: AbortSignal): Promise<number> {
  const [ada, bo, cy] = people;
  if (!ada || !bo || !cy) throw new Error("the demonstration is for three");
  const devices = devicesOf(people);
  const conversationId = await ada.devices[0].client.group("Thursday", [bo.userId, cy.userId]);
  for (const { client } of devices) await client.until(() => client.conversation(conversationId) !== undefined);

  const seen: Seen = { headline: "They begin to talk.", sent: 0, missed: 0, caughtUpMs: 0 };
  const started = performance.now();
  const second = () => Math.floor((performance.now() - started) / 1000);
  const show = display(devices, conversationId, () => ({ second: second(), headline: seen.headline }));
  const readers = people.map((person) => readsAlong(person, conversationId));
  const story = new Story({ people: [ada, bo, cy], conversationId, seen });
  try {
    for (let tick = 0; second() < SECONDS && !signal.aborted; tick++) {
      await story.tick(tick, second());
      await wait(900, signal);
    }
    seen.headline = "The end: everything unread is read, and all six devices are compared.";
    await story.end();
    for (const { client } of devices) client.markRead(conversationId);
    const differing = await settled(devices, people, conversationId);
    show();
    return report(seen, devices, conversationId, differing);
  } finally {
    for (const stopReading of readers) stopReading();
    show.stop();
  }
}

/** What happens when: who speaks, who goes into the tunnel, what is edited. */
class Story {
  readonly #people: readonly [Person, Person, Person];
  readonly #conversationId: string;
  readonly #seen: Seen;
  readonly #answers: Promise<unknown>[] = [];
  #away: { readonly lastSeq: number } | undefined;

  constructor(parts: { people: readonly [Person, Person, Person]; conversationId: string; seen: Seen }) {
    this.#people = parts.people;
    this.#conversationId = parts.conversationId;
    this.#seen = parts.seen;
  }

  async tick(tick: number, second: number): Promise<void> {
    const [speaker, text] = SAYINGS[tick % SAYINGS.length] ?? [0, "…"];
    const device = this.#people[speaker].devices[tick % 2];
    device?.client.startTyping(this.#conversationId);
    if (device) this.#answers.push(device.client.send(this.#conversationId, text));
    this.#seen.sent++;
    if (second >= AWAY.fromSecond && second < AWAY.toSecond) this.#goAway();
    if (second >= AWAY.toSecond) await this.#comeBack();
    if (tick % 5 === 3) this.#embellish(tick);
  }

  async end(): Promise<void> {
    await this.#comeBack();
    await Promise.all(this.#answers);
  }

  #goAway(): void {
    if (this.#away) return;
    const { client, label } = this.#people[1].devices[0];
    this.#away = { lastSeq: client.conversation(this.#conversationId)?.conversation.lastSeq ?? 0 };
    client.disconnect();
    this.#seen.headline = `${label} is in a tunnel: what Bo writes waits, what others write is missed.`;
  }

  async #comeBack(): Promise<void> {
    if (!this.#away) return;
    const { lastSeq } = this.#away;
    this.#away = undefined;
    const { client, label } = this.#people[1].devices[0];
    const started = performance.now();
    await client.connect();
    this.#seen.caughtUpMs = Math.round(performance.now() - started);
    const held = client.messages(this.#conversationId);
    this.#seen.missed = held.filter(({ seq, senderId }) => seq > lastSeq && senderId !== client.userId).length;
    this.#seen.headline = `${label} is back: ${this.#seen.missed} missed messages came in ${this.#seen.caughtUpMs} ms.`;
  }

  /** A reaction, an edit or a deletion of something said before. */
  #embellish(tick: number): void {
    const [{ client }] = this.#people[tick % 3 === 0 ? 0 : 2].devices;
    const messages = client.messages(this.#conversationId).filter(({ deleted }) => !deleted);
    const mine = messages.filter(({ senderId }) => senderId === client.userId).at(-1);
    const other = messages.filter(({ senderId }) => senderId !== client.userId).at(-1);
    if (other) this.#answers.push(client.react(this.#conversationId, other.messageId, tick % 2 ? "👍" : "🌱"));
    if (mine && tick % 2 === 0)
      this.#answers.push(client.edit(this.#conversationId, mine.messageId, `${mine.text} 🙂`));
    if (mine && tick % 15 === 13) this.#answers.push(client.delete(this.#conversationId, mine.messageId));
  }
}

/** Reads what comes on the second device, a while after. Gives the function that stops it. */
function readsAlong({ devices, readsAfterMs }: Person, conversationId: string): () => void {
  const [, { client }] = devices;
  let timer: NodeJS.Timeout | undefined;
  const stopListening = client.on("message", ({ isNew }) => {
    if (!isNew || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      client.markRead(conversationId);
    }, readsAfterMs);
  });
  return () => {
    clearTimeout(timer);
    stopListening();
  };
}

/** Redraws after each change on a terminal; elsewhere prints a line now and then. */
function display(
  devices: readonly ShownDevice[],
  conversationId: string,
  now: () => { second: number; headline: string },
) {
  let told = "";
  const show = () => {
    if (process.stdout.isTTY) {
      process.stdout.write(demoScreen(devices, conversationId, now()));
      return;
    }
    const { second, headline } = now();
    const line = demoLine(devices, conversationId, second);
    process.stdout.write(headline === told ? `${line}\n` : `${headline}\n${line}\n`);
    told = headline;
  };
  const timer = setInterval(show, process.stdout.isTTY ? 100 : 3_000);
  return Object.assign(show, { stop: () => clearInterval(timer) });
}

/** Waits until all devices hold the same; gives those that do not. */
async function settled(
  devices: readonly ShownDevice[],
  people: readonly Person[],
  conversationId: string,
): Promise<string[]> {
  const [first] = devices;
  const shared = ({ client }: ShownDevice) => {
    const held = client.conversation(conversationId);
    return {
      messages: client.messages(conversationId),
      marks: people.map(({ userId }) => held?.marks.get(userId)),
      unread: held?.conversation.unread,
      name: held?.conversation.name,
      waiting: client.unanswered,
    };
  };
  const differing = () =>
    devices.filter((device) => first && !isDeepStrictEqual(shared(device), shared(first))).map(({ label }) => label);
  const isRead = () => devices.every(({ client }) => client.conversation(conversationId)?.conversation.unread === 0);
  for (let tries = 0; tries < 100 && !(isRead() && differing().length === 0); tries++) await wait(100);
  return isRead() ? differing() : devices.map(({ label }) => label);
}

function report(
  { sent, missed, caughtUpMs }: Seen,
  devices: readonly ShownDevice[],
  conversationId: string,
  differing: readonly string[],
): number {
  const held = devices[0]?.client.messages(conversationId) ?? [];
  const isDense = held.every(({ seq }, index) => seq === index + 1);
  const same = differing.length === 0 && isDense && held.length === sent;
  const outcome = same
    ? ["All six devices hold the same: messages, edits, reactions, receipts, unread."]
    : [`NOT the same on: ${differing.join(", ") || "all, messages are missing or doubled"}.`];
  const lines = [
    "",
    `${sent} messages sent, ${held.length} held, each once and in one order.`,
    ...(missed > 0 ? [`A phone was away, missed ${missed} and caught up in ${caughtUpMs} ms.`] : []),
    ...outcome,
    "",
  ];
  process.stdout.write(lines.join("\n"));
  return same ? 0 : 1;
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
