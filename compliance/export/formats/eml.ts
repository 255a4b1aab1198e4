import type { Entry } from "../entry.ts";
import type { Format, NameOf } from "./format.ts";
import { happened, missing } from "./sayings.ts";

const LINE_BYTES = 76;
/** So that with its frame an encoded word is at most 75 characters. @see RFC 2047 §2 */
const WORD_BYTES = 45;
/** Beyond these the group stands for its members. */
const MOST_NAMED = 64;

/**
 * A text for a header: as it is where it is plain ASCII, else as encoded words, so that no line break in it ends the
 * header. @see RFC 2047
 */
export function headerText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes("=?") && text.length <= LINE_BYTES) return text;
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  words.push(word);
  return words.map((part) => `=?UTF-8?B?${Buffer.from(part, "utf8").toString("base64")}?=`).join("\r\n ");
}

/** A display name, quoted where it is plain. @see RFC 5322 §3.4 */
export function nameInHeader(name: string): string {
  const encoded = headerText(name);
  return encoded === name ? `"${name.replace(/["\\]/g, "\\$&")}"` : encoded;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @see RFC 5322 §3.3 */
export function dateInHeader(iso: string): string {
  const at = new Date(iso);
  const day = `${DAYS[at.getUTCDay()]}, ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return `${day} ${at.toISOString().slice(11, 19)} +0000`;
}

/** Base64 in lines that mail may have. */
const bodyOf = (text: string): string =>
  Buffer.from(text.replace(/\r\n|\r|\n/g, "\r\n"), "utf8")
    .toString("base64")
    .replace(/.{76}(?=.)/g, "$&\r\n");

/**
 * A mail for each version of each message, and one for each deletion: a reply refers to what it replies to and to the
 * message that its thread began with. Who was in the conversation is whom a mail went to.
 * @see RFC 5322
 */
export const eml: Format = {
  tells: ["conversation"],
  async *render({ tenant, of, entries, nameOf }) {
    const domain = `${tenant}.scripta.invalid`;
    const members = new Set<string>();
    let subject = "Direct conversation";
    for await (const entry of entries) {
      const { what, personId, text } = entry;
      if (what === "named" && text !== null) subject = text;
      if (what === "created" && entry.details.kind === "group") subject = "Group";
      if (what === "joined" && personId !== null) members.add(personId);
      if (what === "left" && personId !== null) members.delete(personId);
      if (what !== "sent" && what !== "edited" && what !== "deleted") continue;
      yield { path: pathOf(of, entry), text: mailOf(entry, { of, domain, subject, members, nameOf }) };
    }
  },
};

/** In the order of the record, as folders sort. */
const pathOf = (of: string, { seq, revision, what }: Entry): string =>
  `eml/conversation-${of}/${String(revision).padStart(9, "0")}-message-${seq}${what === "sent" ? "" : `-${what}`}.eml`;

interface Around {
  readonly of: string;
  readonly domain: string;
  readonly subject: string;
  readonly members: ReadonlySet<string>;
  readonly nameOf: NameOf;
}

function mailOf(entry: Entry, { of, domain, subject, members, nameOf }: Around): string {
  const { what, messageId, revision, personId, actorId, recordedAt, at, state, seq } = entry;
  const sender = (what === "deleted" ? actorId : personId) ?? of;
  const mailbox = (id: string, name: string | null) =>
    `${name === null ? "" : `${nameInHeader(name)} `}<${id}@${domain}>`;
  const others = [...members].filter((id) => id !== sender);
  const to =
    others.length === 0 || others.length > MOST_NAMED
      ? [mailbox(of, null)]
      : others.map((id) => mailbox(id, nameOf(id)));
  const [refers, replies] = referencesOf(entry);
  const id = (name: string) => `<${name}@${domain}>`;
  const headers: [string, string][] = [
    ["Date", dateInHeader(at ?? recordedAt)],
    ["From", mailbox(sender, nameOf(sender))],
    ["To", to.join(",\r\n ")],
    ["Subject", headerText(subject)],
    ["Message-ID", id(what === "sent" ? `${messageId}` : `${messageId}.${revision}`)],
    ...(replies === null ? [] : ([["In-Reply-To", id(replies)]] satisfies [string, string][])),
    ...(refers.length === 0 ? [] : ([["References", refers.map(id).join("\r\n ")]] satisfies [string, string][])),
    ["Scripta-Conversation", of],
    ["Scripta-Revision", String(revision)],
    ["Scripta-Message", `${seq}; ${what}`],
    ["Scripta-Recorded", recordedAt],
    ...(state === null ? [] : ([["Scripta-State", state]] satisfies [string, string][])),
    ...entry.attachments.map(({ name, mimeType, size }): [string, string] => [
      "Scripta-Attachment",
      headerText(`${name ?? "(no name)"}; ${mimeType}; ${size} bytes`),
    ]),
    ["MIME-Version", "1.0"],
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Transfer-Encoding", "base64"],
  ];
  const gone = missing(entry);
  const said = what === "deleted" ? `(${happened(entry)})` : gone === undefined ? (entry.text ?? "") : `(${gone})`;
  return `${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${bodyOf(said)}\r\n`;
}

/** What it belongs to, the oldest first, and what it answers. */
function referencesOf({ what, messageId, replyTo, threadRoot }: Entry): [string[], string | null] {
  // An edit and a deletion belong to the message itself.
  if (what !== "sent") return [messageId === null ? [] : [messageId], messageId];
  const parents = [threadRoot, replyTo].filter((id) => id !== null);
  return [[...new Set(parents)], replyTo ?? threadRoot];
}
