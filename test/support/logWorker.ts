import { randomUUID } from "node:crypto";
import { streamId } from "../../domain/ids.ts";
import { PostgresEventLog } from "../../infra/eventLog/postgresEventLog.ts";

/**
 * A process of its own that appends to the log and reads along: prints the ids it saw, in its order, as JSON.
 * Arguments: the database's URL, how many events it appends, how many there will be in all.
 */
const [url = "", own = "0", total = "0"] = process.argv.slice(2);
const log = new PostgresEventLog(url);
const seen: string[] = [];
const complete = Promise.withResolvers<void>();

const subscription = log.subscribe(0, async ({ events }) => {
  seen.push(...events.map(({ id }) => id));
  if (seen.length >= Number(total)) complete.resolve();
});
const appenders = Array.from({ length: 5 }, async () => {
  const stream = streamId("main", "conversation", randomUUID());
  for (let n = 0; n < Number(own) / 5; n++) {
    const event = { type: "MessageSent", version: 1, target: null, data: "{}", meta: "{}", sealed: null };
    const command = { commandId: randomUUID(), actorId: null, payloadHash: new Uint8Array(32), events: [event] };
    const { status } = await log.append(stream, n - 1, [command]);
    if (status !== "ok") throw new Error(`the worker's append was refused: ${status}`);
  }
});
await Promise.all(appenders);
await complete.promise;
await subscription.stop();
await log.close();
process.stdout.write(JSON.stringify(seen));
