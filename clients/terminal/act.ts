import { isScriptaError, type Message, membersOf, nameOf, type ScriptaClient, titleOf } from "../sdk/index.ts";
import { HELP, type Input } from "./input.ts";
import { clockTime } from "./look.ts";

/** What came of a line: something to show, another conversation to open, or the end. */
export interface Outcome {
  readonly notice?: readonly string[];
  readonly open?: string;
  readonly quit?: true;
}

/** Does what a line says, in the conversation that is open. What the server refuses is told, not thrown. */
export async function act(client: ScriptaClient, open: string | undefined, input: Input): Promise<Outcome> {
  try {
    return (await anywhere(client, input)) ?? (await inConversation(client, open, input));
  } catch (error) {
    if (isScriptaError(error)) return { notice: [error.message] };
    if (error instanceof Told) return { notice: [error.message] };
    throw error;
  }
}

/** A message for whoever typed the line. */
class Told extends Error {}

async function anywhere(client: ScriptaClient, input: Input): Promise<Outcome | undefined> {
  switch (input.do) {
    case "nothing":
      return {};
    case "explain":
      return { notice: [input.message] };
    case "help":
      return { notice: HELP };
    case "quit":
      return { quit: true };
    case "open":
      return { open: found(client, input.what) };
    case "new": {
      const userIds = await usersNamed(client, input.users);
      const [only] = userIds;
      const isDirect = input.name === undefined && only !== undefined;
      const conversationId = await (isDirect ? client.direct(only) : client.group(input.name ?? "", userIds));
      await client.until(() => client.conversation(conversationId) !== undefined);
      return { open: conversationId };
    }
    case "search": {
      const { items } = await client.ask.search({ q: input.words, limit: 8 });
      if (items.length === 0) return { notice: ["nothing found"] };
      return {
        notice: items.map(({ message: { conversationId, seq, senderId, sentAt, text } }) => {
          const held = client.conversation(conversationId);
          const where = held ? titleOf(client.state, held) : "";
          return `${where} #${seq} ${clockTime(sentAt)} ${nameOf(client.state, senderId)}: ${text ?? ""}`;
        }),
      };
    }
    default:
      return undefined;
  }
}

async function inConversation(client: ScriptaClient, open: string | undefined, input: Input): Promise<Outcome> {
  const held = open === undefined ? undefined : client.conversation(open);
  if (open === undefined || !held) throw new Told("no conversation is open: /new ada, or /open 1");
  const messages = client.messages(open).filter(({ deleted }) => !deleted);
  const message = (seq: number | undefined, mine: boolean) => {
    const which = messages.filter(({ senderId }) => !mine || senderId === client.userId);
    const message = seq === undefined ? which.at(-1) : messages.find((each) => each.seq === seq);
    if (!message) throw new Told(seq === undefined ? "there is no such message yet" : `#${seq} is not here (PgUp?)`);
    return message.messageId;
  };
  const asking = (seq: number | undefined, fits: (it: Message) => boolean = () => true) => {
    const all = messages.filter(({ acknowledgement }) => acknowledgement !== undefined);
    const asked = seq === undefined ? all.filter(fits).at(-1) : all.find((each) => each.seq === seq);
    if (!asked)
      throw new Told(seq === undefined ? "nothing here asks to be acknowledged" : `#${seq} does not ask for it`);
    return asked;
  };
  switch (input.do) {
    case "send":
      // Its pending echo shows it; a refusal comes as an event.
      void client.send(open, input.text);
      return {};
    case "reply":
      void client.send(open, input.text, { replyTo: message(input.seq, false) });
      return {};
    case "edit":
      await client.edit(open, message(input.seq, true), input.text);
      return {};
    case "delete":
      await client.delete(open, message(input.seq, true));
      return {};
    case "ack": {
      const asked = asking(input.seq, (it) => it.senderId !== client.userId);
      await client.acknowledge(open, asked.messageId);
      return { notice: [`acknowledged #${asked.seq}`] };
    }
    case "acks":
      return { notice: await acknowledgements(client, open, asking(input.seq)) };
    case "react":
      await client.react(open, message(input.seq, false), input.emoji);
      return {};
    case "unreact":
      await client.unreact(open, message(input.seq, false), input.emoji);
      return {};
    case "older":
      return (await client.older(open)) ? {} : { notice: ["this is where it begins"] };
    case "add":
      for (const userId of await usersNamed(client, input.users)) {
        await client.command("AddMember", { conversationId: open, userId });
      }
      return {};
    case "leave":
      await client.command("RemoveMember", { conversationId: open, userId: client.userId });
      return {};
    case "who":
      return {
        notice: membersOf(held).map(({ userId, role }) => {
          const marks = held.marks.get(userId);
          return `${nameOf(client.state, userId)} (${role})  read #${marks?.read ?? 0}, has #${marks?.delivered ?? 0}`;
        }),
      };
    default:
      return {};
  }
}

/** All of them, however many. */
async function acknowledgements(client: ScriptaClient, open: string, { messageId, seq }: Message): Promise<string[]> {
  const [given, missing]: [string[], string[]] = [[], []];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await client.ask.acknowledgements(open, messageId, { limit: 200, ...(cursor ? { cursor } : {}) });
    for (const { userId, at, late } of page.items) {
      const name = nameOf(client.state, userId);
      if (at === null) missing.push(name);
      else given.push(`${name} ${clockTime(at)}${late ? " (late)" : ""}`);
    }
    cursor = page.cursor;
  }
  return [
    `#${seq} acknowledged by ${given.join(", ") || "nobody"}`,
    missing.length === 0 ? "nobody is missing" : `not yet: ${missing.join(", ")}`,
  ];
}

async function usersNamed(client: ScriptaClient, usernames: readonly string[]): Promise<string[]> {
  const userIds: string[] = [];
  for (const username of usernames) {
    const user = await client.ask.userByName(username.toLowerCase());
    if (!user) throw new Told(`nobody is called ${username}`);
    userIds.push(user.userId);
  }
  return userIds;
}

function found(client: ScriptaClient, what: string): string {
  const inbox = client.inbox();
  const titled = (test: (title: string) => boolean) =>
    inbox.find((held) => test(titleOf(client.state, held).toLowerCase()));
  const wanted = what.toLowerCase();
  const held =
    (/^\d+$/.test(what) ? inbox[Number(what) - 1] : undefined) ??
    titled((title) => title === wanted) ??
    titled((title) => title.startsWith(wanted));
  if (!held) throw new Told(`no conversation ${what}`);
  return held.conversation.conversationId;
}
