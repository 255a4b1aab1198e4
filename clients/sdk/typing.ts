/** Who is typing where, each until the time that came with the news or that person's next message. */
export class Typists {
  readonly #timers = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();
  readonly #onChange: (conversationId: string) => void;

  constructor(onChange: (conversationId: string) => void) {
    this.#onChange = onChange;
  }

  in(conversationId: string): readonly string[] {
    return [...(this.#timers.get(conversationId)?.keys() ?? [])];
  }

  /** `expiresAt` is by the server's clock, so no more than the contract's 3 s are believed. */
  started(conversationId: string, userId: string, expiresAt: string): void {
    const timers = this.#timers.get(conversationId) ?? new Map<string, ReturnType<typeof setTimeout>>();
    this.#timers.set(conversationId, timers);
    clearTimeout(timers.get(userId));
    const leftMs = Date.parse(expiresAt) - Date.now();
    const believedMs = leftMs > 0 && leftMs < LONGEST_MS ? leftMs : LONGEST_MS;
    timers.set(
      userId,
      setTimeout(() => this.stopped(conversationId, userId), believedMs),
    );
    this.#onChange(conversationId);
  }

  stopped(conversationId: string, userId: string): void {
    const timers = this.#timers.get(conversationId);
    clearTimeout(timers?.get(userId));
    if (timers?.delete(userId)) this.#onChange(conversationId);
  }

  /** Nobody is, as far as one knows: after a lost connection. */
  clear(): void {
    for (const [conversationId, timers] of this.#timers) {
      for (const userId of [...timers.keys()]) this.stopped(conversationId, userId);
    }
  }
}

const LONGEST_MS = 3_000;
