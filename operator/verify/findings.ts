/** Something in the log, or beside it, that is not as every writer of it promises. */
export interface Deviation {
  /** What was promised, in a few words. */
  readonly rule: string;
  /** What was found in its place. Ids, numbers and types, never content. */
  readonly found: string;
  readonly stream?: string;
  readonly revision?: number;
  readonly position?: number;
}

/** Thrown to end a run that found as much as it was to find. */
export class FoundEnough extends Error {
  override name = "FoundEnough";
}

/** Deviations as they are found, at most so many. */
export class Findings {
  readonly deviations: Deviation[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws FoundEnough at the last one that is wanted */
  add(deviation: Deviation): void {
    this.deviations.push(deviation);
    if (this.deviations.length >= this.#most) throw new FoundEnough(`${this.#most} deviations`);
  }
}
