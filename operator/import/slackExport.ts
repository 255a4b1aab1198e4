import { ArchiveFault } from "./archiveFault.ts";
import type { SlackNames } from "./slackNames.ts";
import { Channels, Messages, parseEntry, type SlackChannel, type SlackMessage, Users } from "./slackShapes.ts";
import { openZip, type ZipArchive } from "./zipArchive.ts";

interface Day {
  readonly entry: string;
  readonly firstMicros: number;
}

/** A channel whose every message was looked at. */
export interface CheckedChannel extends Pick<SlackChannel, "name"> {
  readonly slackId: string;
  readonly creator: string | undefined;
  /** Slack's ids of its members and of all who wrote in it. */
  readonly people: ReadonlySet<string>;
  /** Messages in its entries, those that will be skipped and repetitions too. */
  readonly entries: number;
  /** In the order of time; a repeated `ts` counts once. One day, or as many as overlap, are in memory at a time. */
  messages(): AsyncIterable<SlackMessage>;
}

export interface SlackExport {
  readonly people: readonly SlackNames[];
  readonly channels: readonly CheckedChannel[];
  close(): void;
}

/** Opens an export and reads all of it once, so that what cannot be imported is known before anything is. @throws ArchiveFault */
export async function openSlackExport(path: string, onRead: (messages: number) => void): Promise<SlackExport> {
  const zip = await openZip(path);
  try {
    for (const name of ["users.json", "channels.json"])
      if (!zip.names.includes(name)) throw new ArchiveFault(`${path} is no Slack export: it holds no ${name}`);
    const users = parseEntry("users.json", await zip.read("users.json"), Users);
    const listed = parseEntry("channels.json", await zip.read("channels.json"), Channels);
    refuseRepeated("users.json", users);
    refuseRepeated("channels.json", listed);
    const known = new Map(users.map((user) => [user.id, namesOf(user)]));
    const channels: CheckedChannel[] = [];
    for (const channel of listed) {
      const checked = await checkChannel(zip, channel, onRead);
      channels.push(checked);
      for (const slackId of checked.people) if (!known.has(slackId)) known.set(slackId, { slackId, name: slackId });
    }
    return { people: [...known.values()], channels, close: zip.close };
  } catch (error) {
    zip.close();
    throw error;
  }
}

function refuseRepeated(name: string, items: readonly { readonly id: string }[]): void {
  const ids = new Set<string>();
  for (const { id } of items) {
    if (ids.has(id)) throw new ArchiveFault(`${name} holds ${id} twice`);
    ids.add(id);
  }
}

const namesOf = ({ id, name, real_name, profile }: (typeof Users)["_output"][number]): SlackNames => {
  const realName = profile?.real_name || real_name;
  const displayName = profile?.display_name;
  return {
    slackId: id,
    name,
    ...(realName === undefined ? {} : { realName }),
    ...(displayName === undefined ? {} : { displayName }),
  };
};

async function checkChannel(
  zip: ZipArchive,
  { id, name, creator, members }: SlackChannel,
  onRead: (messages: number) => void,
): Promise<CheckedChannel> {
  const read = async (entry: string) => parseEntry(entry, await zip.read(entry), Messages);
  const days: Day[] = [];
  const people = new Set(creator ? [creator, ...members] : members);
  let entries = 0;
  for (const entry of zip.names.filter((one) => one.startsWith(`${name}/`) && one.endsWith(".json")).sort()) {
    const messages = await read(entry);
    if (messages.length === 0) continue;
    days.push({ entry, firstMicros: messages.reduce((least, { micros }) => Math.min(least, micros), Infinity) });
    for (const { author } of messages) people.add(author);
    entries += messages.length;
    onRead(messages.length);
  }
  days.sort((one, other) => one.firstMicros - other.firstMicros);
  return { slackId: id, name, creator, people, entries, messages: () => inOrder(days, read) };
}

/** Reads day after day, and gives what nothing that is still unread can come before. */
async function* inOrder(
  days: readonly Day[],
  read: (entry: string) => Promise<readonly SlackMessage[]>,
): AsyncIterable<SlackMessage> {
  let held: SlackMessage[] = [];
  let lastTs = "";
  for (const [at, { entry }] of days.entries()) {
    held = [...held, ...(await read(entry))].sort((one, other) => one.micros - other.micros);
    const unreadFrom = days[at + 1]?.firstMicros ?? Infinity;
    const ready = held.findIndex(({ micros }) => micros >= unreadFrom);
    const given = held.splice(0, ready < 0 ? held.length : ready);
    for (const message of given) {
      if (message.ts !== lastTs) yield message;
      lastTs = message.ts;
    }
  }
}
