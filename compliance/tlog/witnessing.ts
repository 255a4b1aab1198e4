import { setTimeout as pause } from "node:timers/promises";
import type { Queryable } from "../../infra/ports/database.ts";
import { cosignersOf } from "../verifier/cosignature.ts";
import type { VerifierKey } from "../verifier/note.ts";
import { SIZE_TYPE, submissionText } from "../witness/submission.ts";
import { keepCosignature } from "./cosignatures.ts";
import type { SignedCheckpoint } from "./sequencer.ts";
import { consistencyProof } from "./tree.ts";

/** A witness as the log is told of it. */
export interface KnownWitness {
  readonly key: VerifierKey;
  /** Where checkpoints are sent to: its submission prefix. */
  readonly url: string;
}

export interface WitnessingParts {
  readonly witnesses: readonly KnownWitness[];
  readonly database: Queryable;
  /** Told when a witness did not cosign, at first and each minute; it is asked again. */
  readonly onProblem: (error: unknown) => void;
  readonly retryMs?: number;
}

/** A witness did not cosign. */
export class NotCosigned extends Error {
  override name = "NotCosigned";
}

const ANSWER_WITHIN_MS = 10_000;
const LONGEST_WAIT_MS = 60_000;
/** Before a witness is given up on for now: each answer tells the size that it knows. */
const SIZES_TRIED = 3;
const MOST_BYTES = 64 * 1024;

/**
 * Brings each new checkpoint to each witness, the newest alone where one is slow, and keeps what they sign. Nothing waits for
 * any of it, and no witness waits for another.
 */
export class Witnessing {
  readonly #asked: readonly Asked[];

  constructor(parts: WitnessingParts) {
    this.#asked = parts.witnesses.map((witness) => new Asked(witness, parts));
  }

  offer(checkpoint: SignedCheckpoint): void {
    for (const asked of this.#asked) asked.offer(checkpoint);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#asked.map((asked) => asked.stop()));
  }
}

class Asked {
  readonly #witness: KnownWitness;
  readonly #parts: WitnessingParts;
  readonly #stopping = new AbortController();
  #newest: SignedCheckpoint | undefined;
  #running: Promise<void> | undefined;
  /** What it cosigned last, by origin. */
  readonly #known = new Map<string, number>();

  constructor(witness: KnownWitness, parts: WitnessingParts) {
    this.#witness = witness;
    this.#parts = parts;
  }

  offer(checkpoint: SignedCheckpoint): void {
    this.#newest = checkpoint;
    if (this.#stopping.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { onProblem, retryMs = 1_000 } = this.#parts;
    let failures = 0;
    while (this.#newest && !this.#stopping.signal.aborted) {
      const checkpoint = this.#newest;
      try {
        await this.#ask(checkpoint);
        failures = 0;
        if (this.#newest === checkpoint) this.#newest = undefined;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        const waitMs = Math.min(LONGEST_WAIT_MS, retryMs * 2 ** failures);
        if (failures++ === 0 || waitMs === LONGEST_WAIT_MS) onProblem(error);
        await pause(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      }
    }
  }

  /** @throws NotCosigned */
  async #ask({ origin, size, note }: SignedCheckpoint): Promise<void> {
    const { key } = this.#witness;
    for (let tries = 0; tries < SIZES_TRIED; tries++) {
      const old = Math.min(this.#known.get(origin) ?? 0, size);
      const path = await consistencyProof(this.#parts.database, old, size);
      const { status, type, body } = await this.#post(submissionText({ old, path, checkpoint: note }));
      if (status === 409 && type.startsWith(SIZE_TYPE)) {
        const known = sizeIn(body);
        if (known === undefined || known > size)
          throw new NotCosigned(`the witness ${key.name} says that it cosigned ${body.trim()} entries of ${origin}`);
        if (known === old)
          throw new NotCosigned(
            `the witness ${key.name} cosigned other ${size} entries of ${origin}: there are two logs`,
          );
        this.#known.set(origin, known);
        continue;
      }
      if (status !== 200)
        throw new NotCosigned(`the witness ${key.name} answers ${status}: ${body.trim().slice(0, 200)}`);
      const line = await this.#lineIn(body, note);
      await keepCosignature(this.#parts.database, origin, { size, note, witness: key.name, line });
      this.#known.set(origin, size);
      return;
    }
    throw new NotCosigned(`the witness ${key.name} says another size each time`);
  }

  /** Its own signature of this checkpoint, whatever else it answers. */
  async #lineIn(body: string, note: string): Promise<string> {
    for (const line of body.split("\n")) {
      const cosigned = `${note}${line}\n`;
      const cosigners = line === "" ? [] : await cosignersOf(cosigned, [this.#witness.key]).catch(ignoreMisshapen);
      if (cosigners.length > 0) return `${line}\n`;
    }
    throw new NotCosigned(`the witness ${this.#witness.key.name} answers with a signature that is not its own`);
  }

  async #post(body: string): Promise<{ status: number; type: string; body: string }> {
    const { key, url } = this.#witness;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    try {
      const answer = await fetch(`${url.replace(/\/+$/, "")}/add-checkpoint`, { method: "POST", body, signal });
      return {
        status: answer.status,
        type: answer.headers.get("content-type") ?? "",
        body: (await answer.text()).slice(0, MOST_BYTES),
      };
    } catch (error) {
      throw new NotCosigned(`the witness ${key.name} does not answer at ${url}`, { cause: error });
    }
  }
}

const sizeIn = (body: string): number | undefined => (/^(0|[1-9]\d{0,15})\n$/.test(body) ? Number(body) : undefined);

function ignoreMisshapen(error: unknown): [] {
  if (error instanceof SyntaxError) return [];
  throw error;
}
