/** Facts on standard output: as one JSON line, or as lines for people. */
export function print(facts: unknown, json: boolean | undefined, lines: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(facts) : lines.join("\n")}\n`);
}

/** Rows with their columns aligned; the first row may be headings. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
