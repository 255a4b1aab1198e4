import { pause } from "./backoff.ts";

/** At most one save at a time, and not more often than this: what changed meanwhile goes with the next. */
const SAVE_EVERY_MS = 250;

/** Keeps what changes often: `save` is called soon after `changed`, with one call under way at most. */
export class Keeper {
  readonly #save: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #changed = false;
  #saving: Promise<void> | undefined;
  #hurry = new AbortController();

  constructor(save: () => Promise<void>, onError: (error: unknown) => void) {
    this.#save = save;
    this.#onError = onError;
  }

  changed(): void {
    this.#changed = true;
    this.#saving ??= this.#run();
  }

  /** Resolves once all that changed before is saved. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    while (this.#saving) await this.#saving;
    this.#hurry = new AbortController();
  }

  async #run(): Promise<void> {
    while (this.#changed) {
      this.#changed = false;
      await this.#save().catch(this.#onError);
      await pause(SAVE_EVERY_MS, this.#hurry.signal);
    }
    this.#saving = undefined;
  }
}
