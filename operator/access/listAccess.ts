import { setTimeout as pause } from "node:timers/promises";
import { safeLine } from "../../clients/terminal/index.ts";
import { type AccessPage, listAccesses, type OpenAccess } from "../../compliance/access/listAccesses.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { byOperator } from "../byOperator.ts";
import { CommandFailed } from "../commandFailed.ts";
import { personNamed } from "../erase.ts";
import { exitCodes } from "../exitCodes.ts";
import { standardOutput } from "../log/pipe.ts";
import { wholeNumber } from "../log/wholeNumber.ts";
import { onFolder } from "../onFolder.ts";
import { table } from "../print.ts";
import type { SettingFlags } from "../settings.ts";
import { type MessageRead, readByMembers } from "./readByMembers.ts";

export interface AccessFlags extends SettingFlags {
  readonly tenant: string;
  readonly conversation?: string;
  readonly by?: string;
  readonly action?: string;
  readonly cursor?: string;
  readonly limit: string;
  readonly follow?: boolean;
  readonly purpose?: string;
  readonly json?: boolean;
}

const MOST = 200;
const LOOK_EVERY_MS = 500;

/** Who looked at a person's messages or at one message, or all that there is; that this is asked is written down, too. */
export function listAccessCommand(what: string | undefined, flags: AccessFlags): Promise<number> {
  const limit = wholeNumber("--limit", flags.limit);
  if (limit < 1 || limit > MOST) throw new CommandFailed(`--limit takes 1 to ${MOST}`);
  if (flags.conversation !== undefined && !Uuid.safeParse(flags.conversation).success)
    throw new CommandFailed(`--conversation ${flags.conversation} is no id of a conversation`);
  const after = flags.cursor === undefined ? undefined : wholeNumber("--cursor", flags.cursor);
  return onFolder(flags, async (foundation) => {
    const { accounts } = foundation.compliance;
    const message = what === undefined ? undefined : await readByMembers(foundation.database, flags.tenant, what);
    const asked = {
      ...(what === undefined
        ? {}
        : message
          ? { messageId: message.messageId }
          : { userId: await personNamed(accounts, flags.tenant, what) }),
      conversationId: flags.conversation?.toLowerCase(),
      by: flags.by === undefined ? undefined : await personNamed(accounts, flags.tenant, flags.by),
      action: flags.action,
      limit,
    };
    const page = async (order: "newest" | "oldest", from: number | undefined): Promise<AccessPage> => {
      const looking = byOperator(accounts.engine, flags);
      const found = await listAccesses(foundation.compliance, { ...asked, order, after: from }, looking, true);
      if (isRejection(found)) throw new CommandFailed(found.detail);
      return found;
    };
    if (flags.follow || after !== undefined) await follow(page, after ?? 0, flags);
    else tell(message, await page("newest", undefined), flags);
    return exitCodes.done;
  });
}

/** Entries as they come, a line each, from the one after the cursor on; ends with what is there where it does not follow. */
async function follow(
  page: (order: "oldest", from: number) => Promise<AccessPage>,
  after: number,
  { follow: goesOn, json }: AccessFlags,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  const pipe = standardOutput();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    for (let from = after; !stopping.signal.aborted; ) {
      const { items } = await page("oldest", from);
      for (const one of items)
        if (!(await pipe.write(`${json ? JSON.stringify(one) : cells(one).join("  ")}\n`))) return;
      from = items.at(-1)?.entry ?? from;
      if (items.length > 0) continue;
      if (!goesOn) return;
      await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  } finally {
    pipe.close();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function tell(message: MessageRead | undefined, { items, cursor }: AccessPage, { json }: AccessFlags): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...(message ? { message } : {}), items, cursor })}\n`);
    return;
  }
  const members = message?.members.map(({ userId, deliveredAt, readAt }) => [
    userId,
    deliveredAt ?? "-",
    readAt ?? "-",
  ]);
  const lines = [
    ...(members
      ? [`${members.length} members have it`, ...table([["member", "delivered", "read"], ...members]), ""]
      : []),
    ...(items.length === 0
      ? ["nobody looked at it with a server role, or on the machine"]
      : table([["entry", "at", "who", "device", "what", "why", "of"], ...items.map(cells)])),
    ...(cursor === null ? [] : ["", "there are older ones: --limit, or --cursor 0 for all from the first on"]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function cells({ entry, at, userId, deviceId, action, purpose, purposeState, about }: OpenAccess): string[] {
  const why = purposeState === "none" ? "-" : purpose === null ? `(${purposeState})` : safeLine(purpose);
  const of = Object.entries(about).map(([name, value]) => `${name}=${safeLine(String(value))}`);
  return [String(entry), at, userId ?? "operator", deviceId ?? "-", action, why, of.join(" ")];
}
