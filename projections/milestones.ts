interface Waiter {
  readonly position: number;
  readonly done: (reached: boolean) => void;
}

/** A position that only rises, and whoever waits for it to come somewhere. */
export function createMilestones() {
  let reached = 0;
  const waiters = new Set<Waiter>();

  return {
    reached: () => reached,
    reach(position: number): void {
      if (position <= reached) return;
      reached = position;
      for (const waiter of waiters) if (waiter.position <= reached) waiter.done(true);
    },
    waitFor(position: number, timeoutMs: number): Promise<boolean> {
      if (position <= reached) return Promise.resolve(true);
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiter.done(false), timeoutMs);
        const waiter: Waiter = {
          position,
          done(outcome) {
            clearTimeout(timer);
            waiters.delete(waiter);
            resolve(outcome);
          },
        };
        waiters.add(waiter);
      });
    },
    /** Nobody waits for what will not come. */
    close(): void {
      for (const waiter of waiters) waiter.done(false);
    },
  };
}

export type Milestones = ReturnType<typeof createMilestones>;
