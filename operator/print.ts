import { safeLine, safeText } from "../clients/terminal/index.ts";

/** Facts on standard output: as one JSON line, or as lines for people, in which nothing that others wrote speaks to the terminal. */
export function print(facts: unknown, json: boolean | undefined, lines: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(facts) : lines.map(safeText).join("\n")}\n`);
}

/** Rows with their columns aligned, each on one line; the first row may be headings. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const safe = rows.map((row) => row.map(safeLine));
  const widths = (safe[0] ?? []).map((_, column) => Math.max(...safe.map((row) => (row[column] ?? "").length)));
  return safe.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
