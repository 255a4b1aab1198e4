import { emitKeypressEvents } from "node:readline";
import { type Entry, gaps, type ScriptaClient, type ScriptaError } from "../sdk/index.ts";
import { act } from "./act.ts";
import { parseInput } from "./input.ts";
import { edited, emptyLine, type Key, lineOf, textOf, typed } from "./lineEditor.ts";
import { type Looking, look } from "./look.ts";
import { paint } from "./screen.ts";
import { terminal } from "./style.ts";

const REDRAW_MS = 25;

/** Runs the full-screen client until its user quits, or the server signs the device out. */
export function chatScreen(client: ScriptaClient): Promise<"quit" | "signed-out" | "replaced" | "not-allowed"> {
  return new Promise((resolve) => {
    const screen = new ChatScreen(client, (why) => {
      screen.end();
      resolve(why);
    });
    screen.begin();
  });
}

type Ended = (why: "quit" | "signed-out" | "replaced" | "not-allowed") => void;

class ChatScreen {
  readonly #client: ScriptaClient;
  readonly #onEnd: Ended;
  readonly #stops: (() => void)[] = [];
  #looking: Looking = { open: undefined, unreadFromSeq: undefined, notice: [], scroll: 0, input: emptyLine };
  #drawn: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pasting = false;
  #fetching = false;
  #mostScroll = 0;

  constructor(client: ScriptaClient, onEnd: Ended) {
    this.#client = client;
    this.#onEnd = onEnd;
  }

  begin(): void {
    const { stdin, stdout } = process;
    stdout.write(terminal.enter);
    stdin.setRawMode(true);
    emitKeypressEvents(stdin);
    const onKey = (text: string | undefined, key: Key) => this.#pressed(text, key);
    const onResize = () => {
      this.#drawn = [];
      stdout.write("\u001b[2J");
      this.#redraw();
    };
    stdin.on("keypress", onKey);
    stdout.on("resize", onResize);
    stdin.resume();
    this.#stops.push(
      () => stdin.off("keypress", onKey),
      () => stdout.off("resize", onResize),
      this.#client.on("status", (status) => {
        this.#redraw();
        if (status.status === "stopped") this.#onEnd(status.why);
      }),
      this.#client.on("conversation", ({ conversationId, held }) => {
        if (conversationId === this.#looking.open && !held) this.#change({ open: undefined });
        this.#redraw();
      }),
      this.#client.on("typing", () => this.#redraw()),
      this.#client.on("pending", () => this.#redraw()),
      this.#client.on("me", () => this.#redraw()),
      this.#client.on("storageError", ({ error }) => this.#tell([`could not save: ${String(error)}`])),
      this.#client.on("rejected", (refused) => this.#refused(refused)),
    );
    this.#redraw();
  }

  /** Gives the terminal back as it was. */
  end(): void {
    for (const stop of this.#stops) stop();
    clearTimeout(this.#timer);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdout.write(terminal.leave);
  }

  #pressed(text: string | undefined, key: Key): void {
    if (key.name === "paste-start" || key.name === "paste-end") {
      this.#pasting = key.name === "paste-start";
      return;
    }
    if (this.#pasting) {
      const pasted = key.name === "return" || key.name === "enter" ? "\n" : (text ?? key.sequence ?? "");
      this.#change({ input: typed(this.#looking.input, pasted) });
      return;
    }
    if (key.ctrl && (key.name === "c" || (key.name === "d" && this.#looking.input.graphemes.length === 0))) {
      this.#onEnd("quit");
    } else if (key.name === "return" || key.name === "enter") void this.#enter();
    else if (key.name === "tab") this.#openNext();
    else if (key.name === "pageup") void this.#scrollUp();
    else if (key.name === "pagedown") this.#change({ scroll: Math.max(0, this.#looking.scroll - pageRows()) });
    else if (key.name === "escape") this.#change({ notice: [], scroll: 0 });
    else {
      const input = edited(this.#looking.input, key);
      if (!input) return;
      this.#change({ input });
      if (this.#looking.open !== undefined && !textOf(input).startsWith("/")) {
        this.#client.startTyping(this.#looking.open);
      }
    }
  }

  async #enter(): Promise<void> {
    const line = textOf(this.#looking.input);
    this.#change({ input: emptyLine, notice: [], scroll: 0, unreadFromSeq: undefined });
    const outcome = await act(this.#client, this.#looking.open, parseInput(line));
    if (outcome.quit) this.#onEnd("quit");
    if (outcome.notice) this.#tell(outcome.notice);
    if (outcome.open !== undefined) this.#open(outcome.open);
    this.#redraw();
  }

  #openNext(): void {
    const all = this.#client.inbox();
    const news = all.find(
      ({ conversation: { unread, conversationId } }) => unread > 0 && conversationId !== this.#looking.open,
    );
    const at = all.findIndex(({ conversation }) => conversation.conversationId === this.#looking.open);
    const next = news ?? all[(at + 1) % Math.max(1, all.length)];
    if (next) this.#open(next.conversation.conversationId);
  }

  #open(conversationId: string): void {
    const held = this.#client.conversation(conversationId);
    const unreadFromSeq = held && held.conversation.unread > 0 ? held.conversation.read + 1 : undefined;
    this.#change({ open: conversationId, unreadFromSeq, scroll: 0, notice: [] });
    if (held && gaps(held).at(-1)?.to === held.conversation.lastSeq) void this.#fetchOlder();
  }

  async #scrollUp(): Promise<void> {
    const scroll = this.#looking.scroll + pageRows();
    if (scroll >= this.#mostScroll && this.#looking.open !== undefined) await this.#fetchOlder();
    this.#change({ scroll: Math.min(scroll, this.#mostScroll) });
  }

  async #fetchOlder(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    const { notice } = await act(this.#client, this.#looking.open, { do: "older" });
    this.#fetching = false;
    if (notice) this.#tell(notice);
    this.#draw();
  }

  #refused({ entry, error }: { entry: Entry; error: ScriptaError }): void {
    const text = "text" in entry.payload && typeof entry.payload.text === "string" ? entry.payload.text : undefined;
    this.#tell([`not done: ${error.message}`]);
    // The words are not lost: they are back in the line, where nothing else was begun.
    if (text !== undefined && this.#looking.input.graphemes.length === 0) this.#change({ input: lineOf(text) });
  }

  #tell(notice: readonly string[]): void {
    this.#change({ notice });
  }

  #change(changes: Partial<Looking>): void {
    this.#looking = { ...this.#looking, ...changes };
    this.#redraw();
  }

  /** Soon, and once for all that changed meanwhile. */
  #redraw(): void {
    this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#looking.open === undefined) {
      const [first] = this.#client.inbox();
      if (first) this.#open(first.conversation.conversationId);
    }
    if (this.#looking.open !== undefined && this.#looking.scroll === 0) void this.#client.markRead(this.#looking.open);
    const { columns, rows } = process.stdout;
    const painted = paint(look(this.#client, this.#looking), { columns, rows });
    this.#mostScroll = painted.mostScroll;
    const changed = painted.rows.map((row, index) =>
      row === this.#drawn[index] ? "" : `${terminal.to(index + 1, 1)}${row}${terminal.clearLine}`,
    );
    this.#drawn = painted.rows;
    const { row, column } = painted.cursor;
    process.stdout.write(`${terminal.hideCursor}${changed.join("")}${terminal.to(row, column)}${terminal.showCursor}`);
  }
}

const pageRows = (): number => Math.max(1, process.stdout.rows - 6);
