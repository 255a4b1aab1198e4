import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { expect, test } from "vitest";
import { openPromise } from "yauzl";
import { z } from "zod";
import { decodeFacts } from "../../domain/catalogue.ts";
import { MessageContent } from "../../domain/conversation/events.ts";
import { importedConversationId, importedMessageId, importedUserId, streamId } from "../../domain/ids.ts";
import { readConfig } from "../../infra/config.ts";
import { openFoundation } from "../../infra/foundation.ts";
import { importSlack } from "../../operator/import/importSlack.ts";
import { openSlackExport } from "../../operator/import/slackExport.ts";
import { freshDatabase } from "../support/postgres.ts";

const path =
  process.env.SCRIPTA_TEST_EXPORT ??
  fileURLToPath(new URL("../../../shared/data/ubuntu-irc.slack.zip", import.meta.url));
const wanted = process.env.SCRIPTA_TEST_LARGE === "on";
const there = await access(path).then(
  () => true,
  () => false,
);

const Channel = z.object({ id: z.string(), name: z.string() });
const Said = z.object({ user: z.string(), text: z.string(), ts: z.string(), thread_ts: z.string().optional() });
type Said = z.infer<typeof Said>;
const unread = { begin: () => undefined, step: () => undefined, end: () => undefined };

/** Reads the export by other means than the importer does. */
async function expectedOf(zipPath: string): Promise<Map<string, Said[]>> {
  const zip = await openPromise(zipPath, { autoClose: false });
  const files = new Map<string, unknown>();
  for await (const entry of zip.eachEntry())
    files.set(entry.fileName, await json(await zip.openReadStreamPromise(entry)));
  zip.close();
  return new Map(
    z
      .array(Channel)
      .parse(files.get("channels.json"))
      .map(({ id, name }) => {
        const days = [...files].filter(([file]) => file.startsWith(`${name}/`));
        const all = days.flatMap(([, messages]) => z.array(Said).parse(messages));
        return [id, all.sort((one, other) => Number(one.ts.replace(".", "")) - Number(other.ts.replace(".", "")))];
      }),
  );
}

const decoded = (text: string) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

test.skipIf(!there || !wanted)(
  "a large export is in the log as its own JSON says: texts, order, authors and threads (SCRIPTA_TEST_LARGE=on, and the export of SCRIPTA_TEST_EXPORT)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "scripta-large-"));
    const database = await freshDatabase();
    const config = readConfig({ SCRIPTA_DATA: folder, SCRIPTA_POSTGRES: database.url });
    const foundation = await openFoundation({ config, logger: pino({ level: "silent" }), alone: true });
    try {
      const archive = await openSlackExport(path, () => undefined);
      const signal = new AbortController().signal;
      const given = { foundation, archive, tenant: "main", owner: undefined, progress: unread, signal };
      const { added } = await importSlack(given);
      const expected = await expectedOf(path);
      expect(added).toBe([...expected.values()].reduce((sum, { length }) => sum + length, 0));

      for (const [slackId, said] of expected) {
        const conversationId = importedConversationId("main", slackId);
        const stream = streamId("main", "conversation", conversationId);
        let at = 0;
        for await (const recorded of foundation.log.readStream(stream)) {
          const facts = decodeFacts(recorded);
          if (facts.type !== "MessageSent" || !recorded.sealed) continue;
          const [content] = await foundation.sealing.open([{ ...recorded, sealed: recorded.sealed }]);
          const original = said[at++];
          if (content?.state !== "readable" || !original) throw new Error(`${slackId}: message ${at} is not as it was`);
          const { thread_ts, ts } = original;
          expect({ ...facts.data, text: MessageContent.parse(content.content).text }).toMatchObject({
            target: importedMessageId(slackId, ts),
            seq: at,
            authorId: importedUserId("main", original.user),
            text: decoded(original.text),
            ...(thread_ts && thread_ts !== ts ? { threadRoot: importedMessageId(slackId, thread_ts) } : {}),
          });
        }
        expect(at).toBe(said.length);
        const { rows } = await database.database.query<{
          many: number;
          last: number;
          replies: number;
          counted: number;
        }>(
          `select count(*) as many, max(seq) as last, count(thread_root) as replies, sum(thread_count)::bigint as counted
           from history.messages where conversation = $1`,
          [conversationId],
        );
        const replies = said.filter(({ ts, thread_ts }) => thread_ts !== undefined && thread_ts !== ts).length;
        expect(rows).toEqual([{ many: said.length, last: said.length, replies, counted: replies }]);
      }
      archive.close();
    } finally {
      await foundation.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    }
  },
  600_000,
);
