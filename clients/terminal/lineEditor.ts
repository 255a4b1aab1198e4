import { graphemesOf } from "./width.ts";

/** A line that is being written; `at`: the cursor, in graphemes. */
export interface Line {
  readonly graphemes: readonly string[];
  readonly at: number;
}

export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

export const emptyLine: Line = { graphemes: [], at: 0 };
export const textOf = (line: Line): string => line.graphemes.join("");

export function lineOf(text: string): Line {
  const graphemes = graphemesOf(text);
  return { graphemes, at: graphemes.length };
}

/** Text set in where the cursor is. */
export function typed({ graphemes, at }: Line, text: string): Line {
  const before = graphemesOf(graphemes.slice(0, at).join("") + text);
  return { graphemes: [...before, ...graphemes.slice(at)], at: before.length };
}

/** The line after a key, as in a shell; undefined for a key that is not about the line. */
export function edited(line: Line, { name = "", sequence = "", ctrl = false, meta = false }: Key): Line | undefined {
  const { graphemes, at } = line;
  const end = graphemes.length;
  const without = (from: number, to: number): Line => ({ graphemes: graphemes.toSpliced(from, to - from), at: from });
  switch (ctrl ? `ctrl-${name}` : name) {
    case "backspace":
      return meta ? without(wordBefore(line), at) : without(Math.max(0, at - 1), at);
    case "delete":
    case "ctrl-d":
      return without(at, Math.min(end, at + 1));
    case "left":
    case "ctrl-b":
      return { graphemes, at: Math.max(0, at - 1) };
    case "right":
    case "ctrl-f":
      return { graphemes, at: Math.min(end, at + 1) };
    case "home":
    case "ctrl-a":
      return { graphemes, at: 0 };
    case "end":
    case "ctrl-e":
      return { graphemes, at: end };
    case "ctrl-u":
      return without(0, at);
    case "ctrl-k":
      return { graphemes: graphemes.slice(0, at), at };
    case "ctrl-w":
      return without(wordBefore(line), at);
  }
  const isText = !ctrl && !meta && sequence !== "" && !/\p{Cc}/u.test(sequence);
  return isText ? typed(line, sequence) : undefined;
}

function wordBefore({ graphemes, at }: Line): number {
  let start = at;
  while (start > 0 && graphemes[start - 1] === " ") start--;
  while (start > 0 && graphemes[start - 1] !== " ") start--;
  return start;
}
