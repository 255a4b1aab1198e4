/** What a line says: a message, or what to do. `#12` names a message by its number. */
export type Input =
  | { readonly do: "nothing" }
  | { readonly do: "send"; readonly text: string }
  | { readonly do: "new"; readonly users: readonly string[]; readonly name: string | undefined }
  | { readonly do: "open"; readonly what: string }
  | { readonly do: "add"; readonly users: readonly string[] }
  | { readonly do: "react" | "unreact"; readonly seq: number | undefined; readonly emoji: string }
  | { readonly do: "edit" | "reply"; readonly seq: number | undefined; readonly text: string }
  | { readonly do: "delete" | "ack" | "acks"; readonly seq: number | undefined }
  | { readonly do: "search"; readonly words: string }
  | { readonly do: "who" | "leave" | "older" | "help" | "quit" }
  | { readonly do: "explain"; readonly message: string };

export const HELP = [
  "/new ada              talk to one person",
  "/new Tea: ada bo      a group with a name",
  "/open 2, /open tea    another conversation (Tab: the next with news)",
  "/who                  who is here, and how far each has read",
  "/add cy, /leave       into the group, out of it",
  "/react 👍, /unreact 👍  to the last message; /react #12 👍 to number 12",
  "/reply #12 text       answers number 12",
  "/edit text            one's own last message; /edit #12 text",
  "/delete               one's own last message; /delete #12",
  "/ack, /acks           acknowledges what asks for it; who has, and who not yet; /ack #12",
  "/search words         in all conversations",
  "/older, PgUp          earlier messages",
  "/quit, Ctrl-C         until next time",
] as const;

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");
const explain = (message: string): Input => ({ do: "explain", message });

/** A line that begins with two slashes is a message that begins with one. */
export function parseInput(line: string): Input {
  if (line.trim() === "") return { do: "nothing" };
  if (!line.startsWith("/")) return { do: "send", text: line };
  if (line.startsWith("//")) return { do: "send", text: line.slice(1) };
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const { seq, text } = numbered(rest);
  switch (name) {
    case "new":
      return parseNew(rest);
    case "open":
      return rest === "" ? explain("open which? a number or a name of the list") : { do: "open", what: rest.trim() };
    case "add":
      return words(rest).length === 0 ? explain("add whom?") : { do: "add", users: words(rest) };
    case "react":
    case "unreact":
      return text === "" ? explain(`${name} with what? /${name} 👍`) : { do: name, seq, emoji: text.trim() };
    case "edit":
    case "reply":
      return text === "" ? explain(`/${name} needs the words too`) : { do: name, seq, text };
    case "delete":
    case "ack":
    case "acks":
      return text === "" ? { do: name, seq } : explain(`/${name} takes a number alone, such as #12`);
    case "search":
      return rest === "" ? explain("search for what?") : { do: "search", words: rest };
    case "who":
    case "leave":
    case "older":
    case "help":
    case "quit":
      return { do: name };
    default:
      return explain(`no such command: /${name} (see /help; a message may begin with //)`);
  }
}

function numbered(text: string): { seq: number | undefined; text: string } {
  const [, digits, rest] = /^#(\d{1,15})(?:\s+(.*))?$/s.exec(text) ?? [];
  return digits === undefined ? { seq: undefined, text } : { seq: Number(digits), text: rest ?? "" };
}

function parseNew(rest: string): Input {
  const [, name, people] = /^([^:]+):(.*)$/s.exec(rest) ?? [];
  const users = words(people ?? rest);
  if (users.length === 0) return explain("/new ada, or /new Tea: ada bo");
  return { do: "new", users, name: name?.trim() ?? (users.length > 1 ? users.join(", ") : undefined) };
}
