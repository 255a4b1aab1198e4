import { setTimeout as delay } from "node:timers/promises";
import { Client, escapeIdentifier } from "pg";

const RETRY_MS = 250;
const BEAT_MS = 10_000;

/** A connection that hears NOTIFY on one channel, made anew whenever it breaks. What was said meanwhile is lost. */
export async function listenOn(
  connection: string,
  channel: string,
  onMessage: (payload: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const stopped = new AbortController();
  let current: Client | undefined;

  async function connect(): Promise<void> {
    const client = new Client({
      connectionString: connection,
      application_name: "scripta listen",
      keepAlive: true,
      connectionTimeoutMillis: BEAT_MS,
      query_timeout: BEAT_MS,
    });
    client.on("error", () => undefined); // `end` follows
    client.on("notification", ({ payload }) => onMessage(payload ?? ""));
    await client.connect();
    await client.query(`listen ${escapeIdentifier(channel)}`);
    // A link may be gone without a word.
    const beats = setInterval(
      () => void client.query("select 1").catch(() => client.connection.stream.destroy()),
      BEAT_MS,
    );
    beats.unref();
    client.once("end", () => {
      clearInterval(beats);
      void reconnect();
    });
    current = client;
  }

  async function reconnect(): Promise<void> {
    while (!stopped.signal.aborted) {
      const connected = await connect().then(
        () => true,
        () => false,
      );
      if (connected) break;
      await delay(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    if (stopped.signal.aborted) await current?.end();
  }

  await connect();
  return {
    async stop() {
      stopped.abort();
      await current?.end();
    },
  };
}
