import { safeLine, safeText } from "./safeText.ts";
import { coloured, style } from "./style.ts";
import { graphemesOf, toColumns, widthOf, wrap } from "./width.ts";

/** How far a message of one's own has got. */
export type Tick = "waiting" | "sent" | "delivered" | "read";

export interface ShownMessage {
  readonly key: string;
  /** Undefined while it waits for its place. */
  readonly seq: number | undefined;
  readonly time: string;
  readonly userId: string;
  readonly name: string;
  readonly text: string | null;
  readonly tick: Tick | undefined;
  readonly edited: boolean;
  readonly erased: boolean;
  readonly replyToSeq: number | undefined;
  readonly attachments: readonly string[];
  readonly reactions: readonly { readonly emoji: string; readonly count: number }[];
  readonly asks: ShownAsking | undefined;
}

/** Of a message that asks to be acknowledged. */
export interface ShownAsking {
  readonly by: string;
  /** How many did. */
  readonly count: number;
  /** Who did not yet; undefined in groups of which not all members are held. */
  readonly missing: readonly string[] | undefined;
  /** The one who looks is asked, and has not yet. */
  readonly me: boolean;
}

export interface Shown {
  readonly me: string;
  readonly status: string;
  readonly live: boolean;
  readonly conversations: readonly {
    readonly title: string;
    readonly unread: number;
    readonly mentions: number;
    readonly open: boolean;
  }[];
  readonly title: string | undefined;
  readonly messages: readonly ShownMessage[];
  /** Read by others than the one who looks: a line above the first unread one. */
  readonly unreadFromSeq: number | undefined;
  readonly typing: readonly string[];
  readonly notice: readonly string[];
  readonly scroll: number;
  readonly input: { readonly graphemes: readonly string[]; readonly at: number };
}

export interface Painted {
  readonly rows: readonly string[];
  /** From 1, as terminals count. */
  readonly cursor: { readonly row: number; readonly column: number };
  /** How far one can scroll up in what is held. */
  readonly mostScroll: number;
}

const ticks: Record<Tick, string> = {
  waiting: style.dim("…"),
  sent: style.dim("✓"),
  delivered: style.dim("✓✓"),
  read: style.cyan("✓✓"),
};
const LIST_COLUMNS = 22;
const NARROW = 50;
const LEAST_COLUMNS = 30;

/** The whole screen as rows of exactly that size. Whatever others wrote is made safe here, and nowhere else. */
export function paint(shown: Shown, size: { readonly rows: number; readonly columns: number }): Painted {
  const columns = Math.max(LEAST_COLUMNS, size.columns);
  const rows = Math.max(6, size.rows);
  const bodyRows = rows - 3;
  const listColumns = columns < NARROW ? 0 : LIST_COLUMNS;
  const textColumns = columns - (listColumns > 0 ? listColumns + 1 : 0);

  const all = messageRows(shown, textColumns);
  const notice = shown.notice.flatMap((line) => wrap(safeText(line), textColumns)).map((line) => style.yellow(line));
  const shownNotice = notice.slice(0, bodyRows - 2);
  const room = bodyRows - shownNotice.length;
  const mostScroll = Math.max(0, all.length - room);
  const end = all.length - Math.min(shown.scroll, mostScroll);
  const visible = all.slice(Math.max(0, end - room), end);
  const body = [...Array<string>(room - visible.length).fill(""), ...visible, ...shownNotice];

  const list = listRows(shown, listColumns, bodyRows);
  const joined = body.map((line, row) => (listColumns > 0 ? `${list[row] ?? ""}${style.dim("│")}${line}` : line));
  const { line: inputLine, column } = inputRow(shown.input, columns);
  return {
    rows: [header(shown, columns), ...joined, typingRow(shown, columns), inputLine],
    cursor: { row: rows, column },
    mostScroll,
  };
}

function header({ me, status, live, title }: Shown, columns: number): string {
  const left = ` scripta  ${safeLine(me)}`;
  const state = ` ${status} `;
  const middle = title === undefined ? "" : `  ${safeLine(title)}`;
  const text = toColumns(left + middle, Math.max(0, columns - widthOf(state)));
  return style.inverse(`${text}${live ? style.green(state) : style.red(state)}`);
}

function listRows({ conversations }: Shown, columns: number, rows: number): string[] {
  if (columns === 0) return [];
  const openAt = conversations.findIndex(({ open }) => open);
  const from = Math.max(0, Math.min(openAt - rows + 2, conversations.length - rows));
  const lines = conversations.slice(from, from + rows).map(({ title, unread, mentions, open }, index) => {
    const badge = unread > 0 ? ` ${mentions > 0 ? "@" : ""}${unread > 999 ? "999+" : unread}` : "";
    const name = toColumns(`${String(from + index + 1).padStart(2)} ${safeLine(title)}`, columns - widthOf(badge) - 1);
    const line = `${name}${badge} `;
    if (open) return style.inverse(line);
    return unread > 0 ? style.bold(mentions > 0 ? style.yellow(line) : line) : line;
  });
  const empty = conversations.length === 0 ? [toColumns(" nobody yet: /new", columns)] : [];
  return [...empty, ...lines, ...Array<string>(rows).fill(" ".repeat(columns))];
}

function messageRows({ messages, unreadFromSeq }: Shown, columns: number): string[] {
  let marked = false;
  return messages.flatMap((message) => {
    const isFirstUnread = !marked && unreadFromSeq !== undefined && (message.seq ?? 0) >= unreadFromSeq;
    marked ||= isFirstUnread;
    return [
      ...(isFirstUnread ? [style.red(toColumns("── new ".padEnd(columns, "─"), columns))] : []),
      ...rowsOf(message, columns),
    ];
  });
}

function rowsOf(message: ShownMessage, columns: number): string[] {
  const { seq, time, userId, text, tick, edited, erased, replyToSeq, attachments, reactions } = message;
  const head = `${seq ?? ""}`.padStart(5).concat(` ${time} `);
  const indent = " ".repeat(widthOf(head) + 2);
  const name = safeLine(message.name);
  const shortName = widthOf(name) > 14 ? toColumns(name, 14) : name;

  const reply = replyToSeq === undefined ? "" : `↳#${replyToSeq} `;
  const files = attachments.map((file) => ` [file: ${file}]`).join("");
  const content = safeText(`${reply}${erased ? "(erased)" : (text ?? "(deleted)")}${files}`);
  const wrapped = wrap(content, columns - indent.length, columns - widthOf(head) - widthOf(shortName) - 2);
  const marks = ` ${edited ? "(edited) " : ""}${tick ? "✓✓" : ""}`.trimEnd();
  const isOver = widthOf(wrapped.at(-1) ?? "") + (wrapped.length === 1 ? widthOf(shortName) : 0) + widthOf(marks);
  const rows = isOver > columns - indent.length && marks !== "" ? [...wrapped, ""] : wrapped;
  const colouredMarks = ` ${edited ? style.dim("(edited) ") : ""}${tick ? ticks[tick] : ""}`;

  const lines = rows.map((row, index) => {
    const tinted = erased || text === null ? style.dim(row) : row;
    const begin = index === 0 ? `${style.dim(head)}${coloured(userId, style.bold(shortName))}: ` : indent;
    return `${begin}${tinted}${index === rows.length - 1 && marks !== "" ? colouredMarks : ""}`;
  });
  const reacted = reactions.map(({ emoji, count }) => `${safeLine(emoji)} ${count}`).join("  ");
  const below = reacted === "" ? [] : [style.dim(toColumns(`${indent}${reacted}`, columns))];
  const { asks } = message;
  const asked = asks ? wrap(askedText(asks, seq), columns - indent.length).map((row) => `${indent}${row}`) : [];
  return [...lines, ...below, ...asked.map(asks?.me ? style.yellow : style.dim)];
}

function askedText({ by, count, missing, me }: ShownAsking, seq: number | undefined): string {
  const yet = missing?.map(safeLine).join(", ");
  const who = yet === undefined ? `${count} did` : yet === "" ? "all did" : `not yet: ${yet}`;
  return `ack by ${by}${me ? ` (/ack #${seq})` : ""}, ${who}`;
}

function typingRow({ typing, scroll }: Shown, columns: number): string {
  const names = typing.map(safeLine);
  const verb = names.length === 1 ? "is" : "are";
  const text = names.length === 0 ? "" : ` ${names.slice(0, 3).join(", ")} ${verb} typing…`;
  const below = scroll > 0 ? " ↓ more below (PgDn)" : "";
  return style.dim(toColumns(`${text}${below}`, columns));
}

function inputRow({ graphemes, at }: Shown["input"], columns: number): { line: string; column: number } {
  const shown = graphemes.map((grapheme) => (grapheme.includes("\n") ? "↵" : safeLine(grapheme)));
  const room = columns - 3;
  let from = 0;
  while (widthOf(shown.slice(from, at).join("")) > room) from++;
  const before = shown.slice(from, at).join("");
  const text = graphemesOf(before + shown.slice(at).join(""));
  let cut = "";
  for (const grapheme of text) {
    if (widthOf(cut + grapheme) > room) break;
    cut += grapheme;
  }
  return { line: `${style.bold("›")} ${cut}`, column: 3 + widthOf(before) };
}
