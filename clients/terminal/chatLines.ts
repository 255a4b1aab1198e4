import { createInterface } from "node:readline";
import { type Message, nameOf, type ScriptaClient, titleOf } from "../sdk/index.ts";
import { act } from "./act.ts";
import { parseInput } from "./input.ts";
import { clockTime } from "./look.ts";
import { safeLine, safeText } from "./safeText.ts";

const asks = ({ acknowledgement: asked, seq }: Message): string =>
  asked ? ` (acknowledge by ${clockTime(asked.ackBy)}: /ack #${seq})` : "";

/** Without a terminal: a line in is a message or a command, a line out a message. Ends with the input, once all is sent. */
export async function chatLines(client: ScriptaClient): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  let open: string | undefined;
  const stops = [
    client.on("message", ({ conversationId, message, isNew }) => {
      const held = client.conversation(conversationId);
      if (!isNew || !held) return;
      const where = safeLine(titleOf(client.state, held));
      const who = safeLine(nameOf(client.state, message.senderId));
      say(
        `${where} #${message.seq} ${clockTime(message.sentAt)} ${who}: ${safeText(message.text ?? "(no text)")}${asks(message)}`,
      );
    }),
    client.on("rejected", ({ error }) => say(`! ${safeLine(error.message)}`)),
  ];
  await client.connect();
  for await (const line of createInterface({ input: process.stdin })) {
    open ??= client.inbox().at(0)?.conversation.conversationId;
    const outcome = await act(client, open, parseInput(line));
    for (const notice of outcome.notice ?? []) say(`! ${safeLine(notice)}`);
    open = outcome.open ?? open;
    if (outcome.quit) break;
  }
  await client.until(() => client.unanswered === 0 || client.status.status === "stopped", 30_000);
  for (const stop of stops) stop();
}
