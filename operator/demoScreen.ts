import { stripVTControlCharacters } from "node:util";
import { gaps, type Message, membersOf, nameOf, type ScriptaClient } from "../clients/sdk/index.ts";

/** One device of the demonstration, as its row in the table needs it. */
export interface ShownDevice {
  readonly label: string;
  readonly client: ScriptaClient;
}

const CLEAR = "\u001b[H\u001b[J";
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;
const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
const green = (text: string) => `\u001b[32m${text}\u001b[39m`;
const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const yellow = (text: string) => `\u001b[33m${text}\u001b[39m`;
const cyan = (text: string) => `\u001b[36m${text}\u001b[39m`;

const MESSAGES = 10;

/** The table of all devices, and the newest messages as the first of them sees them. In 80 columns. */
export function demoScreen(
  devices: readonly ShownDevice[],
  conversationId: string,
  now: { readonly second: number; readonly headline: string },
): string {
  const rows = devices.map((device) => deviceRow(device, conversationId));
  const [first] = devices;
  return [
    CLEAR + bold(` scripta  three people, two devices each`) + dim(`   ${now.second} s   Ctrl-C ends it`),
    "",
    dim(" device         connection   messages  unread   read  stored   to send"),
    ...rows,
    "",
    ` ${yellow(now.headline)}`,
    "",
    ...(first ? lastMessages(first.client, conversationId) : []),
    "",
  ].join("\n");
}

function deviceRow({ label, client }: ShownDevice, conversationId: string): string {
  const held = client.conversation(conversationId);
  const { unread = 0, read = 0, delivered = 0, lastSeq = 0 } = held?.conversation ?? {};
  const status = client.status.status;
  const missing = held ? gaps(held).reduce((sum, { from, to }) => sum + to - from + 1, 0) : 0;
  const connection = status.padEnd(13);
  const number = (value: number, columns: number) => String(value).padStart(columns);
  return [
    ` ${label.padEnd(15)}`,
    status === "live" ? green(connection) : red(connection),
    number(lastSeq - missing, 8),
    unread > 0 ? bold(number(unread, 8)) : dim(number(0, 8)),
    number(read, 7),
    number(delivered, 8),
    client.unanswered > 0 ? yellow(number(client.unanswered, 10)) : dim(number(0, 10)),
  ].join("");
}

function lastMessages(client: ScriptaClient, conversationId: string): string[] {
  const messages = client.messages(conversationId).slice(-MESSAGES);
  return messages.map((message) => {
    const { seq, text, deleted, editedAt, reactions } = message;
    const name = nameOf(client.state, message.senderId).padEnd(4);
    const said = deleted ? dim("(deleted)") : `${text}${editedAt ? dim(" (edited)") : ""}`;
    const reacted = reactions.map(({ emoji, count }) => ` ${emoji} ${count}`).join("");
    return `${dim(String(seq).padStart(4))} ${bold(name)} ${ticksOf(client, conversationId, message)} ${said}${reacted}`;
  });
}

/** ✓ sent, ✓✓ on a device of everybody, coloured: read by everybody. */
function ticksOf(client: ScriptaClient, conversationId: string, { seq, senderId }: Message): string {
  const held = client.conversation(conversationId);
  const others = held ? membersOf(held).filter(({ userId }) => userId !== senderId) : [];
  const all = (mark: "delivered" | "read") =>
    others.every(({ userId }) => (held?.marks.get(userId)?.[mark] ?? 0) >= seq);
  return all("read") ? cyan("✓✓") : all("delivered") ? dim("✓✓") : dim("✓ ");
}

/** The same as lines, for a pipe or a log. */
export const demoLine = (devices: readonly ShownDevice[], conversationId: string, second: number): string =>
  `${String(second).padStart(3)} s  ${devices
    .map(({ label, client }) => {
      const { unread = 0, lastSeq = 0 } = client.conversation(conversationId)?.conversation ?? {};
      return stripVTControlCharacters(`${label} ${client.status.status} ${lastSeq} (${unread} unread)`);
    })
    .join(", ")}`;
