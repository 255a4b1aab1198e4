import { safeLine } from "../clients/terminal/index.ts";
import { AsOf } from "../compliance/asOf/asOf.ts";
import { readThen } from "../compliance/asOf/readThen.ts";
import type { MessageThen, OpenThen } from "../compliance/asOf/shapes.ts";
import { Uuid } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import { byOperator } from "./byOperator.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { positionFlag, wholeNumber } from "./log/wholeNumber.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

export interface ShowFlags extends SettingFlags {
  readonly json?: boolean;
  readonly tenant: string;
  readonly asOf?: string;
  readonly position?: string;
  readonly limit: string;
  readonly before?: string;
  readonly purpose?: string;
}

const MOST = 200;

/** Shows a conversation as it was, opened. Whoever has the keys may; that it was done is written down all the same. */
export function showConversationCommand(id: string, flags: ShowFlags): Promise<number> {
  const conversationId = Uuid.safeParse(id).data;
  if (conversationId === undefined) throw new CommandFailed(`${id} is no id of a conversation`);
  const asOf = momentOf(flags);
  const limit = wholeNumber("--limit", flags.limit);
  if (limit < 1 || limit > MOST) throw new CommandFailed(`--limit takes 1 to ${MOST}`);
  const before = positionFlag("--before", flags.before);
  const asked = { conversationId, asOf, limit, before };
  return onFolder(flags, async ({ log, database, sealing, engine }) => {
    const then = await readThen({ log, database, sealing }, asked, byOperator(engine, flags));
    if (isRejection(then)) throw new CommandFailed(then.detail);
    print(then, flags.json, lines(then));
    return exitCodes.done;
  });
}

function momentOf({ asOf, position }: ShowFlags): AsOf | undefined {
  if (asOf !== undefined && position !== undefined)
    throw new CommandFailed("--as-of and --position name a moment each: give one of them");
  const at = positionFlag("--position", position);
  if (at !== undefined) return { position: at };
  if (asOf === undefined) return undefined;
  const parsed = AsOf.safeParse(asOf);
  if (!parsed.success) throw new CommandFailed("--as-of takes a time such as 2026-11-20T08:00Z, or a position");
  return parsed.data;
}

function lines({ asOf, conversation, members, senders, items, more }: OpenThen): string[] {
  const { name, kind, memberCount, lastSeq, settings } = conversation;
  const nameOf = new Map([...members, ...senders].map(({ userId, displayName }) => [userId, displayName]));
  const called = (userId: string) => safeLine(nameOf.get(userId) ?? userId);
  const [first, last] = [items[0]?.seq, items.at(-1)?.seq];
  return [
    `${name === null ? `a ${kind} conversation` : safeLine(name)}, as of ${asOf.recordedAt} (position ${asOf.position})`,
    `${kind}, history visible: ${settings.historyVisibility}, ${lastSeq} messages, ${memberCount} members`,
    "",
    ...table([
      ["member", "role", "since", "read", "delivered", "id"],
      ...members.map((one) => [
        called(one.userId),
        one.role,
        one.joinedAt,
        String(one.read),
        String(one.delivered),
        one.userId,
      ]),
    ]),
    ...(memberCount > members.length ? [`… and ${memberCount - members.length} more`] : []),
    "",
    ...(first === undefined ? ["no messages"] : [`messages ${first} to ${last} of ${lastSeq}`]),
    ...items.map((message) => messageLine(message, called(message.senderId))),
    ...(more.before ? ["", `earlier ones: --before ${first}`] : []),
  ];
}

function messageLine(message: MessageThen, sender: string): string {
  const { seq, sentAt, text, kind, deleted, erased, deletedPosition, editedAt, attachments, reactions } = message;
  const said = erased
    ? "(erased)"
    : deleted
      ? `(deleted; --position ${(deletedPosition ?? 1) - 1} shows it)`
      : text === null
        ? `(${kind})`
        : safeLine(text);
  return [
    String(seq).padStart(7),
    sentAt,
    `${sender}:`,
    said,
    ...(editedAt === null ? [] : ["(edited)"]),
    ...attachments.map(({ name, mimeType }) => `[${safeLine(name ?? mimeType)}]`),
    ...reactions.map(({ emoji, count }) => `${safeLine(emoji)} ${count}`),
  ].join("  ");
}
