/**
 * The run of a law, passed over once the time is up. A run that has begun is ended: fast-check's own limit leaves it
 * behind, where it goes on in the middle of the next test.
 */
export function runsWithin<Args extends unknown[]>(limitMs: number, run: (...args: Args) => Promise<void>) {
  const end = performance.now() + limitMs;
  return async (...args: Args): Promise<void> => {
    if (performance.now() < end) await run(...args);
  };
}
