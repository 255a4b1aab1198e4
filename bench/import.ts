import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foundTenant } from "../accounts/foundTenant.ts";
import { importedConversationId, importedMessageId, importedUserId } from "../domain/ids.ts";
import type { Foundation } from "../infra/foundation.ts";
import { importSlack } from "../operator/import/importSlack.ts";
import type { ProgressLine } from "../operator/import/progressLine.ts";
import { openSlackExport, type SlackExport } from "../operator/import/slackExport.ts";
import { decodeSlackText, isStorable } from "../operator/import/slackText.ts";
import { compare, keep, timed } from "./harness.ts";
import { prepare } from "./support/prepare.ts";

/** `npm run bench -- import <export.zip>`: the whole way of an export, beside INSERTs of the same messages. */
const [, path = process.env.BENCH_EXPORT] = process.argv.slice(2);
if (!path) throw new Error("npm run bench -- import <a Slack export, a zip>");
/** Channels are taken until there are so many messages. */
const MOST = Number(process.env.BENCH_MESSAGES ?? 40_000);
const ROWS_AT_ONCE = 500;

const archive = await openSlackExport(path, () => {});
const channels: SlackExport["channels"][number][] = [];
for (const channel of archive.channels)
  if (channels.reduce((sum, { entries }) => sum + entries, 0) < MOST) channels.push(channel);
const written = new Set(channels.flatMap(({ people }) => [...people]));
const part: SlackExport = {
  people: archive.people.filter(({ slackId }) => written.has(slackId)),
  channels,
  close: archive.close,
};

/** One message as the baseline has it: in the columns of history, in clear. */
interface Row {
  readonly slackId: string;
  readonly messageId: string;
  readonly author: string;
  readonly sentAt: string;
  readonly threadRoot: string | null;
  readonly text: string;
}

const rows: Row[] = [];
for (const { slackId, messages } of channels)
  for await (const { ts, micros, author, text, thread } of messages())
    if (isStorable(decodeSlackText(text)))
      rows.push({
        slackId,
        messageId: importedMessageId(slackId, ts),
        author,
        sentAt: new Date(Math.floor(micros / 1_000)).toISOString(),
        threadRoot: thread === undefined ? null : importedMessageId(slackId, thread),
        text: decodeSlackText(text),
      });

const silent: ProgressLine = { begin() {}, step() {}, end() {} };
const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
const compared = await prepare(folder, async (foundation) => {
  const { database } = foundation;
  await database.query("create schema bare");
  await database.query("create table bare.messages (like history.messages including all)");
  let turns = 0;
  return compare({
    title: `Import of ${rows.length} messages of ${part.people.length} people in ${channels.length} channels, until all of it can be read; one process; fsync on`,
    unit: "messages",
    size: rows.length,
    ours: { name: "scripta import slack", turn: () => imported(foundation, `ours-${turns++}`) },
    baselines: [
      {
        name: `INSERTs of ${ROWS_AT_ONCE} rows into history's table with its indexes, from memory, in clear, a commit each`,
        turn: () => inserted(foundation, `bare-${turns++}`),
      },
    ],
    pairs: Number(process.env.BENCH_PAIRS ?? 5),
  });
});
keep("import", [compared]);
archive.close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);

/** Each turn fills a tenant of its own. What history holds then must be the export, in its order. */
async function imported(foundation: Foundation, tenant: string): Promise<number> {
  await foundTenant(foundation.accounts.parts, tenant);
  const { signal } = new AbortController();
  const seconds = await timed(() =>
    importSlack({ foundation, archive: part, tenant, owner: undefined, progress: silent, signal }),
  );
  for (const { slackId } of channels) {
    const { rows: there } = await foundation.database.query<{ id: string; seq: number }>(
      "select message_id as id, seq from history.messages where tenant = $1 and conversation = $2 order by seq",
      [tenant, importedConversationId(tenant, slackId)],
    );
    const expected = rows.filter((row) => row.slackId === slackId);
    const isRight = ({ id, seq }: { id: string; seq: number }, at: number) =>
      seq === at + 1 && id === expected[at]?.messageId;
    if (there.length !== expected.length || !there.every(isRight))
      throw new Error(`${slackId} does not hold what the export holds, once and in order`);
  }
  return seconds;
}

async function inserted({ database }: Foundation, tenant: string): Promise<number> {
  const seqs = new Map<string, number>();
  const facts = rows.map(({ slackId, messageId, author, sentAt, threadRoot, text }, at) => {
    const seq = (seqs.get(slackId) ?? 0) + 1;
    seqs.set(slackId, seq);
    return {
      tenant,
      conversation: importedConversationId(tenant, slackId),
      seq,
      message_id: messageId,
      author: importedUserId(tenant, author),
      kind: "text",
      sent_at: sentAt,
      deleted: false,
      thread_root: threadRoot,
      thread_count: 0,
      mentions: [],
      has_link: false,
      attachments: [],
      sent_revision: seq,
      revision: seq,
      changed_position: at,
      sealed: `\\x${Buffer.from(text).toString("hex")}`,
    };
  });
  const seconds = await timed(async () => {
    for (let start = 0; start < facts.length; start += ROWS_AT_ONCE)
      await database.query(
        "insert into bare.messages select * from json_populate_recordset(null::bare.messages, $1)",
        [JSON.stringify(facts.slice(start, start + ROWS_AT_ONCE))],
        "bench-insert",
      );
  });
  const { rowCount } = await database.query("select from bare.messages where tenant = $1", [tenant]);
  if (rowCount !== rows.length) throw new Error(`the table grew by ${rowCount} of ${rows.length}`);
  return seconds;
}
