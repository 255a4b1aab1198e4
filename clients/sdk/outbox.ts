import { backoffMs, pause } from "./backoff.ts";
import type { Answer, CommandName, Payload } from "./contract.ts";
import { isScriptaError, type ScriptaError } from "./problem.ts";

/** A command on its way. Its id is given once and stays: sent twice, it is done once. */
export interface Entry {
  readonly id: string;
  readonly name: CommandName;
  readonly payload: object;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** It was acknowledged before, and is sent again because the server may have lost it. */
  readonly again?: true;
}

export interface Settled extends Entry {
  readonly answer: object;
  readonly settledAt: number;
}

interface Parts {
  /** Sends it once. Throws `ScriptaError`; a passing one means that it will be sent again. */
  readonly deliver: (entry: Entry) => Promise<object>;
  readonly onChange: (entry: Entry) => void;
  /** The server refused it for good. */
  readonly onRejected: (entry: Entry, error: ScriptaError) => void;
}

interface Lane {
  readonly entries: Entry[];
  inFlight: Entry | undefined;
  working: boolean;
}

interface Waiting {
  readonly promise: Promise<object>;
  readonly resolve: (answer: object) => void;
  readonly reject: (error: unknown) => void;
}

/** How long an acknowledged command is kept, in case that a server comes back without it. */
const SETTLED_MS = 10 * 60_000;
/** What is sent again may rest on what others' devices send again, which come back at about the same time. */
const OTHERS_COME_MS = 60_000;

/**
 * Commands wait here until the server has answered them. Within a conversation one is in flight at a time, so that
 * their order holds across retries; marks go beside them, and of those that wait only the highest counts.
 */
export class Outbox {
  readonly #parts: Parts;
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting = new Map<string, Waiting>();
  #settled: Settled[] = [];
  #othersComeUntil = 0;
  #open = true;
  #wake = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Not answered yet, in order within each conversation. */
  get waiting(): readonly Entry[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.entries);
  }

  /** Acknowledged in the last ten minutes, in order. */
  get settled(): readonly Settled[] {
    return this.#settled;
  }

  /** Takes over what a former run left. */
  restore({ waiting, settled }: { waiting: readonly Entry[]; settled: readonly Settled[] }): void {
    this.#settled = [...settled];
    for (const entry of waiting) this.#enqueue(entry);
  }

  /** Resolves with the server's answer, however long that takes; rejects when the server refuses it for good. */
  add<Name extends CommandName>(name: Name, payload: Payload<Name>, id: string): Promise<Answer<Name>> {
    const entry: Entry = { id, name, payload, madeAt: Date.now() };
    const waiting = isMark(name) ? (this.#overtake(entry) ?? waitingFor()) : waitingFor();
    this.#waiting.set(id, waiting);
    this.#enqueue(entry);
    return quiet(waiting.promise.then((answer) => answerTo(name, answer)));
  }

  /** Nothing leaves until `open`. */
  close(): void {
    this.#open = false;
  }

  /** Also when it was open: what waits for its next attempt goes now. */
  open(): void {
    this.#open = true;
    this.#wake.abort();
    this.#wake = new AbortController();
    for (const lane of this.#lanes.values()) this.#start(lane);
  }

  /** Sends again what was acknowledged lately, before all that waits: ids make it harmless where nothing was lost. */
  repeatSettled(): void {
    const recent = this.#settled.filter(({ settledAt }) => settledAt > Date.now() - SETTLED_MS);
    this.#settled = [];
    this.#othersComeUntil = Date.now() + OTHERS_COME_MS;
    for (const { answer: _answer, settledAt: _settledAt, ...entry } of recent.reverse()) {
      const lane = this.#laneOf(entry);
      lane.entries.splice(lane.inFlight ? 1 : 0, 0, { ...entry, again: true });
    }
    for (const lane of this.#lanes.values()) this.#start(lane);
  }

  /** A mark takes the place of a lower one that waits, and answers for it. */
  #overtake(entry: Entry): Waiting | undefined {
    const lane = this.#laneOf(entry);
    const index = lane.entries.findIndex((other) => other !== lane.inFlight);
    const overtaken = lane.entries[index];
    if (!overtaken) return undefined;
    lane.entries.splice(index, 1);
    const waiting = this.#waiting.get(overtaken.id);
    this.#waiting.delete(overtaken.id);
    return waiting;
  }

  #enqueue(entry: Entry): void {
    const lane = this.#laneOf(entry);
    lane.entries.push(entry);
    this.#parts.onChange(entry);
    this.#start(lane);
  }

  #laneOf(entry: Entry): Lane {
    const name = laneName(entry);
    const lane = this.#lanes.get(name) ?? { entries: [], inFlight: undefined, working: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  #start(lane: Lane): void {
    if (!lane.working) void this.#work(lane);
  }

  async #work(lane: Lane): Promise<void> {
    lane.working = true;
    try {
      for (let attempt = 0; this.#open; ) {
        const [entry] = lane.entries;
        if (!entry || this.#mustWait(lane)) return;
        lane.inFlight = entry;
        const outcome = await this.#attempt(entry);
        lane.inFlight = undefined;
        if (outcome.done) {
          attempt = 0;
          lane.entries.splice(lane.entries.indexOf(entry), 1);
          this.#finish(entry, outcome);
          for (const other of this.#lanes.values()) this.#start(other);
        } else if (this.#open) {
          await pause(Math.max(outcome.error.retryAfterMs ?? 0, backoffMs(attempt++)), this.#wake.signal);
        }
      }
    } finally {
      lane.working = false;
    }
  }

  /** Conversations that one made are made again before anything happens in them. */
  #mustWait(lane: Lane): boolean {
    const account = this.#lanes.get(ACCOUNT);
    return account !== undefined && lane !== account && account.entries.some(({ again }) => again);
  }

  #mayComeYet({ name, again }: Entry, { code }: ScriptaError): boolean {
    return again === true && (code === "not-found" || isMark(name)) && Date.now() < this.#othersComeUntil;
  }

  async #attempt(entry: Entry): Promise<Outcome> {
    try {
      return { done: true, answer: await this.#parts.deliver(entry) };
    } catch (error) {
      if (!isScriptaError(error)) throw error;
      return error.passing || this.#mayComeYet(entry, error) ? { done: false, error } : { done: true, error };
    }
  }

  #finish(entry: Entry, outcome: Outcome & { done: true }): void {
    const waiting = this.#waiting.get(entry.id);
    this.#waiting.delete(entry.id);
    if ("answer" in outcome) {
      const now = Date.now();
      this.#settled = this.#settled.filter(
        (old) => old.settledAt > now - SETTLED_MS && !(isMark(entry.name) && laneName(old) === laneName(entry)),
      );
      this.#settled.push({ ...entry, answer: outcome.answer, settledAt: now });
      waiting?.resolve(outcome.answer);
    } else {
      waiting?.reject(outcome.error);
      this.#parts.onRejected(entry, outcome.error);
    }
    this.#parts.onChange(entry);
  }
}

type Outcome =
  | { readonly done: true; readonly answer: object }
  | { readonly done: true; readonly error: ScriptaError }
  | { readonly done: false; readonly error: ScriptaError };

export const isMark = (name: CommandName): boolean => name === "MarkRead" || name === "MarkDelivered";

export const conversationOf = ({ payload }: Pick<Entry, "payload">): string | undefined =>
  "conversationId" in payload && typeof payload.conversationId === "string" ? payload.conversationId : undefined;

/** The lane of what is about no conversation that there is already. */
const ACCOUNT = "account";

function laneName(entry: Entry): string {
  const conversationId = conversationOf(entry) ?? ACCOUNT;
  return isMark(entry.name) ? `${entry.name} ${conversationId}` : conversationId;
}

/** Whoever does not wait for the answer is told of a refusal by `onRejected`. */
export function quiet<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

const waitingFor = (): Waiting => Promise.withResolvers<object>();

function answerTo<Name extends CommandName>(name: Name, answer: object): Answer<Name> {
  if (!isAnswer<Name>(answer)) throw new Error(`the server's answer to ${name} names no position`);
  return answer;
}

/** The boundary: for the rest of the shape that the contract promises the server is trusted. */
const isAnswer = <Name extends CommandName>(answer: object): answer is Answer<Name> => "position" in answer;
