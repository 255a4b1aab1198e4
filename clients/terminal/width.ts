const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Regional_Indicator}|[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{1faff}]|[\u{20000}-\u{3fffd}])/u;
const WIDTHLESS = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

export const graphemesOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** Columns that a terminal gives to a grapheme; an estimate, as terminals differ. */
const columnsOf = (grapheme: string): number => (WIDTHLESS.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1);

/** In columns. */
export const widthOf = (text: string): number =>
  graphemesOf(text).reduce((columns, grapheme) => columns + columnsOf(grapheme), 0);

/** Cut (with an ellipsis) or filled up to exactly so many columns. */
export function toColumns(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text + " ".repeat(columns - widthOf(text));
  if (columns <= 0) return "";
  const head = headOf(graphemesOf(text), columns - 1);
  return `${head}…${" ".repeat(columns - 1 - widthOf(head))}`;
}

/** Lines of at most so many columns (the first may have fewer), broken between words where that is possible. */
export function wrap(text: string, columns: number, firstColumns: number = columns): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let rest = paragraph;
    for (;;) {
      const room = Math.max(2, lines.length === 0 ? firstColumns : columns);
      if (widthOf(rest) <= room) break;
      const head = headOf(graphemesOf(rest), room);
      const space = rest.startsWith(" ", head.length) ? head.length : head.lastIndexOf(" ");
      lines.push(rest.slice(0, space > 0 ? space : head.length));
      rest = rest.slice(space > 0 ? space + 1 : head.length);
    }
    lines.push(rest);
  }
  return lines;
}

function headOf(all: readonly string[], columns: number): string {
  let head = "";
  let used = 0;
  for (const grapheme of all) {
    used += columnsOf(grapheme);
    if (used > columns) break;
    head += grapheme;
  }
  return head;
}
