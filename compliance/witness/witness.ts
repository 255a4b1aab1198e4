import type { Clock } from "../../infra/ports/clock.ts";
import type { SignedHead, SignedHeads } from "../../infra/ports/logSigner.ts";
import { equal } from "../verifier/bytes.ts";
import { type Checkpoint, CheckpointNotSigned, openCheckpoint, parseCheckpoint } from "../verifier/checkpoint.ts";
import { consistent } from "../verifier/merkle.ts";
import { parseNote, type VerifierKey } from "../verifier/note.ts";
import { parseSubmission, SIZE_TYPE, type Submission } from "./submission.ts";

export interface WitnessParts {
  /** Those of the logs that are followed; a log has the name of its keys. */
  readonly logKeys: readonly VerifierKey[];
  readonly heads: SignedHeads;
  readonly clock: Clock;
  /** The signature line of this witness. */
  readonly cosign: (checkpointText: string, seconds: number) => string;
}

/** As HTTP has it. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: "text/plain; charset=utf-8" | typeof SIZE_TYPE;
  readonly body: string;
}

const answer = (status: WitnessAnswer["status"], body: string): WitnessAnswer => ({
  status,
  type: "text/plain; charset=utf-8",
  body,
});
const knows = (size: number): WitnessAnswer => ({ status: 409, type: SIZE_TYPE, body: `${size}\n` });

/**
 * Cosigns checkpoints of the logs that it follows, each only if it goes on from the last one: whatever it cosigned, it never
 * contradicts. It keeps a size and a root a log, and no entry.
 * @see https://c2sp.org/tlog-witness
 */
export function createWitness({ logKeys, heads, clock, cosign }: WitnessParts) {
  let before: Promise<unknown> = Promise.resolve();

  async function add(body: string): Promise<WitnessAnswer> {
    let submission: Submission;
    let origin: string;
    try {
      submission = parseSubmission(body);
      origin = parseCheckpoint(parseNote(submission.checkpoint).text).origin;
    } catch (error) {
      if (error instanceof SyntaxError) return answer(400, `${error.message}\n`);
      throw error;
    }
    const keys = logKeys.filter(({ name }) => name === origin);
    if (keys.length === 0) return answer(404, "this log is not followed here\n");
    try {
      return await judge(submission, await openCheckpoint(submission.checkpoint, keys));
    } catch (error) {
      if (error instanceof CheckpointNotSigned) return answer(403, `${error.message}\n`);
      throw error;
    }
  }

  async function judge({ old, path, checkpoint: note }: Submission, next: Checkpoint): Promise<WitnessAnswer> {
    if (old > next.size) return answer(400, "the old size is beyond the checkpoint\n");
    const { number, head: last } = await heads.last(next.origin);
    if (old !== (last?.size ?? 0)) return knows(last?.size ?? 0);
    if (last?.size === next.size && !equal(last.root, next.root)) return knows(last.size);
    if (!goesOn(last, next, path)) return answer(422, "the checkpoint does not go on from the last one\n");
    const isNews = last?.size !== next.size;
    if (isNews && !(await heads.remember(next.origin, number + 1, next)))
      return knows((await heads.last(next.origin)).head?.size ?? 0);
    return answer(200, cosign(parseNote(note).text, Math.floor(clock.now() / 1000)));
  }

  return {
    /** One after the other, so that each is judged by what the one before left. */
    addCheckpoint(body: string): Promise<WitnessAnswer> {
      const judged = before.then(() => add(body));
      before = judged.catch(() => undefined);
      return judged;
    },
  };
}

const goesOn = (last: SignedHead | undefined, next: Checkpoint, path: readonly Uint8Array[]): boolean =>
  last === undefined || last.size === 0 ? path.length === 0 : consistent(last, next, path);

export type Witness = ReturnType<typeof createWitness>;
