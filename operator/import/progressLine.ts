/** What is being done, on standard error: a line that is drawn anew in a terminal, elsewhere one every five seconds. */
export interface ProgressLine {
  /** Begins something that takes so many steps; 0 where that is not known. */
  begin(what: string, total: number): void;
  step(by: number): void;
  end(): void;
}

const DRAWN_EVERY_MS = 100;
const TOLD_EVERY_MS = 5_000;
const BAR = 24;

export function progressLine(out: NodeJS.WriteStream = process.stderr): ProgressLine {
  const everyMs = out.isTTY ? DRAWN_EVERY_MS : TOLD_EVERY_MS;
  let what = "";
  let total = 0;
  let done = 0;
  let beganAt = 0;
  let shownAt = 0;

  function show(): void {
    shownAt = performance.now();
    const line = describe({ what, done, total, seconds: (shownAt - beganAt) / 1000 });
    out.write(out.isTTY ? `\r\x1b[K${line.slice(0, Math.max(20, out.columns - 1))}` : `${line}\n`);
  }
  const close = () => {
    if (what === "") return;
    show();
    if (out.isTTY) out.write("\n");
    what = "";
  };
  return {
    begin(next, steps) {
      close();
      [what, total, done] = [next, steps, 0];
      beganAt = shownAt = performance.now();
    },
    step(by) {
      done += by;
      if (performance.now() - shownAt >= everyMs) show();
    },
    end: close,
  };
}

/** One line: what, a bar, how many, how many a second, and how long it will still take. */
export function describe(at: { what: string; done: number; total: number; seconds: number }): string {
  const { what, done, total, seconds } = at;
  const rate = done / Math.max(seconds, 0.001);
  const number = (value: number) => Math.round(value).toLocaleString("en");
  if (total === 0) return `${what}  ${number(done)}  ${number(rate)}/s`;
  const part = Math.min(1, done / total);
  const bar = "█".repeat(Math.round(part * BAR)).padEnd(BAR, "░");
  const left = done >= total || rate === 0 ? "" : `  ${duration((total - done) / rate)} left`;
  return `${what} ${bar} ${number(done)} of ${number(total)}  ${number(rate)}/s${left}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
