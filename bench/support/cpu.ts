import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** A process's parent and its own CPU time in seconds; undefined once it has ended. */
function look(pid: number): { parent: number; seconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS_A_SECOND };
  } catch {
    return undefined;
  }
}

/** CPU seconds that a process and all that it started have used, their ended children included. */
export function cpuSeconds(root: number): number {
  const all = new Map<number, { parent: number; seconds: number }>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const seen = Number.isInteger(pid) ? look(pid) : undefined;
    if (seen) all.set(pid, seen);
  }
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  return [...all].filter(([pid]) => isBelow(pid)).reduce((sum, [, { seconds }]) => sum + seconds, 0);
}
