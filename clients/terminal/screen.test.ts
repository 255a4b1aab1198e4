import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { parseInput } from "./input.ts";
import { edited, emptyLine, lineOf, textOf, typed } from "./lineEditor.ts";
import { safeText } from "./safeText.ts";
import { paint, type Shown, type ShownMessage } from "./screen.ts";
import { toColumns, widthOf, wrap } from "./width.ts";

const size = { rows: 24, columns: 80 };
const message = (text: string | null, changes: Partial<ShownMessage> = {}): ShownMessage => ({
  key: "m1",
  seq: 1,
  time: "10:42",
  userId: "bo",
  name: "Bo",
  text,
  tick: undefined,
  edited: false,
  erased: false,
  replyToSeq: undefined,
  attachments: [],
  reactions: [],
  asks: undefined,
  ...changes,
});
const shown = (changes: Partial<Shown> = {}): Shown => ({
  me: "Ada",
  status: "live",
  live: true,
  conversations: [{ title: "Tea", unread: 3, mentions: 0, open: false }],
  title: "Tea",
  messages: [],
  unreadFromSeq: undefined,
  typing: [],
  notice: [],
  scroll: 0,
  input: emptyLine,
  ...changes,
});
const plainRows = (changes: Partial<Shown>) => paint(shown(changes), size).rows.map(stripVTControlCharacters);
const attack = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202egnp.exe\u2066";

describe("the screen", () => {
  test("has as many rows as the terminal, none wider than it", () => {
    const long = "wörter und 漢字 und 👩‍👩‍👧 ".repeat(20);
    const messages = Array.from({ length: 40 }, (_, index) =>
      message(long, { seq: index, tick: "read", edited: true }),
    );
    for (const columns of [30, 49, 80, 200]) {
      const { rows } = paint(shown({ messages, typing: [long], notice: [long], title: long }), { rows: 24, columns });
      expect(rows).toHaveLength(24);
      for (const row of rows) expect(widthOf(stripVTControlCharacters(row))).toBeLessThanOrEqual(columns);
    }
  });

  test("nothing that others wrote reaches the terminal as a code", () => {
    const { rows } = paint(
      shown({
        me: attack,
        title: attack,
        conversations: [{ title: attack, unread: 1, mentions: 1, open: false }],
        messages: [
          message(attack, {
            name: attack,
            attachments: [attack],
            reactions: [{ emoji: attack, count: 1 }],
            asks: { by: "11:00", count: 0, missing: [attack], me: true },
          }),
        ],
        typing: [attack],
        notice: [attack],
        input: lineOf(attack),
      }),
      size,
    );
    // What remains are the colours of this program.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
    const without = rows.join("").replace(/\u001b\[\d+m/g, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
    expect(without).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  });

  test("shows unread counts, ticks, edits, deletions, reactions and who is typing", () => {
    const screen = plainRows({
      messages: [
        message("hello", { tick: "delivered", edited: true, reactions: [{ emoji: "👍", count: 2 }] }),
        message(null, { seq: 2 }),
        message("gone", { seq: 3, erased: true }),
      ],
      typing: ["Bo"],
    }).join("\n");
    expect(screen).toContain(" 1 Tea              3 ");
    expect(screen).toContain("    1 10:42 Bo: hello (edited) ✓✓");
    expect(screen).toContain("👍 2");
    expect(screen).toContain("(deleted)");
    expect(screen).not.toContain("gone");
    expect(screen).toContain("Bo is typing…");
  });

  test("shows by when a message is to be acknowledged, and by whom it is not yet", () => {
    const asks = { by: "11:00", count: 1, missing: ["Ada", "Cy"], me: true };
    const screen = plainRows({
      messages: [
        message("read this", { asks }),
        message("and this", { seq: 2, asks: { ...asks, missing: [], me: false } }),
        message("this, too", { seq: 3, asks: { ...asks, count: 70, missing: undefined, me: false } }),
      ],
    }).join("\n");
    expect(screen).toContain("ack by 11:00 (/ack #1), not yet: Ada, Cy");
    expect(screen).toContain("ack by 11:00, all did");
    expect(screen).toContain("ack by 11:00, 70 did");
  });

  test("the newest message stands lowest, and scrolling shows what was before", () => {
    const messages = Array.from({ length: 60 }, (_, index) => message(`text ${index}`, { seq: index }));
    expect(plainRows({ messages })[21]).toContain("text 59");
    expect(plainRows({ messages, scroll: 10 })[21]).toContain("text 49");
    expect(plainRows({ messages, scroll: 9_999 })[1]).toContain("text 0");
  });

  test("the cursor stands where the next character comes, also in a line longer than the screen", () => {
    expect(paint(shown({ input: lineOf("漢字") }), size).cursor).toEqual({ row: 24, column: 7 });
    expect(paint(shown({ input: lineOf("x".repeat(500)) }), size).cursor.column).toBeLessThanOrEqual(80);
  });
});

test("text keeps its lines and loses what would speak to the terminal", () => {
  expect(safeText("a\r\nb\u2028c\td")).toBe("a\nb\nc  d");
  expect(safeText("\u001b[2Jx\u0085y\u202ez")).toBe("\ufffd[2Jx\ny\ufffdz");
  expect(safeText("שלום 👩‍👩‍👧 e\u0301")).toBe("שלום 👩‍👩‍👧 e\u0301");
});

test("text is measured and broken by columns, not by code units", () => {
  expect(widthOf("a漢👍e\u0301")).toBe(6);
  expect(toColumns("漢字漢字", 5)).toBe("漢字…");
  expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
  expect(wrap("漢字漢字", 5)).toEqual(["漢字", "漢字"]);
});

test("a line is edited by graphemes", () => {
  expect(textOf(edited(lineOf("hi 👩‍👩‍👧"), { name: "backspace" }) ?? emptyLine)).toBe("hi ");
  expect(textOf(edited(lineOf("one two"), { name: "w", ctrl: true }) ?? emptyLine)).toBe("one ");
  expect(textOf(typed({ graphemes: ["a", "c"], at: 1 }, "b"))).toBe("abc");
  expect(edited(lineOf("x"), { name: "f5", sequence: "\u001b[15~" })).toBeUndefined();
});

test("a line is a message or a command", () => {
  expect(parseInput("hello")).toEqual({ do: "send", text: "hello" });
  expect(parseInput("//usr")).toEqual({ do: "send", text: "/usr" });
  expect(parseInput("  ")).toEqual({ do: "nothing" });
  expect(parseInput("/new ada")).toEqual({ do: "new", users: ["ada"], name: undefined });
  expect(parseInput("/new Tea time: ada, bo")).toEqual({ do: "new", users: ["ada", "bo"], name: "Tea time" });
  expect(parseInput("/edit #12 so it is")).toEqual({ do: "edit", seq: 12, text: "so it is" });
  expect(parseInput("/react 👍")).toEqual({ do: "react", seq: undefined, emoji: "👍" });
  expect(parseInput("/delete #3")).toEqual({ do: "delete", seq: 3 });
  expect(parseInput("/ack")).toEqual({ do: "ack", seq: undefined });
  expect(parseInput("/acks #7")).toEqual({ do: "acks", seq: 7 });
  expect(parseInput("/ack yes")).toMatchObject({ do: "explain" });
  expect(parseInput("/nonsense")).toMatchObject({ do: "explain" });
});
