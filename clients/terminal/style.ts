/** Escape codes that this program itself sends; nothing of others' text ever comes to stand in one. */
export const style = {
  bold: (text: string) => `\u001b[1m${text}\u001b[22m`,
  dim: (text: string) => `\u001b[2m${text}\u001b[22m`,
  inverse: (text: string) => `\u001b[7m${text}\u001b[27m`,
  green: (text: string) => `\u001b[32m${text}\u001b[39m`,
  cyan: (text: string) => `\u001b[36m${text}\u001b[39m`,
  yellow: (text: string) => `\u001b[33m${text}\u001b[39m`,
  red: (text: string) => `\u001b[31m${text}\u001b[39m`,
} as const;

/** A person's colour is the same everywhere. */
export function coloured(userId: string, text: string): string {
  const colours = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96];
  let sum = 0;
  for (const character of userId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 100_003;
  return `\u001b[${colours[sum % colours.length] ?? 36}m${text}\u001b[39m`;
}

export const terminal = {
  /** The alternate screen, pasting in brackets. */
  enter: "\u001b[?1049h\u001b[?2004h\u001b[2J",
  leave: "\u001b[?2004l\u001b[?1049l\u001b[?25h",
  hideCursor: "\u001b[?25l",
  showCursor: "\u001b[?25h",
  to: (row: number, column: number) => `\u001b[${row};${column}H`,
  clearLine: "\u001b[K",
} as const;
