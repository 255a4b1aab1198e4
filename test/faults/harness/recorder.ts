import type { Attempt, Device, Reading, Sighting } from "../checker/history.ts";

/** Takes down what clients do and see. One for a run: its moments order all of it. */
export interface Recorder {
  readonly attempts: Attempt[];
  readonly sightings: Sighting[];
  readonly readings: Reading[];
  readonly devices: Device[];
  moment(): number;
  /** Takes down the asking, then what came of it: an answer, a refusal (its code), or nothing that tells. */
  attempt(asked: Asked, act: () => Promise<Outcome>): Promise<Attempt>;
}

export type Asked = Pick<Attempt, "userId" | "name" | "conversationId" | "commandId"> &
  Partial<Pick<Attempt, "messageId" | "text" | "otherId">>;

export type Outcome =
  | { readonly outcome: "ok"; readonly answer: NonNullable<Attempt["answer"]>; readonly conversationId?: string }
  | { readonly outcome: "failed"; readonly code: string }
  | { readonly outcome: "unknown"; readonly code?: string };

export function createRecorder(): Recorder {
  let moments = 0;
  const attempts: Attempt[] = [];
  return {
    attempts,
    sightings: [],
    readings: [],
    devices: [],
    moment: () => ++moments,
    async attempt(asked, act) {
      const attempt: Attempt = { ...asked, invokedAt: ++moments, outcome: "invoked" };
      attempts.push(attempt);
      const outcome = await act().catch((): Outcome => ({ outcome: "unknown", code: "no answer" }));
      return Object.assign(attempt, outcome, { endedAt: ++moments });
    },
  };
}
