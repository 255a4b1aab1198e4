import { randomUUID } from "node:crypto";
import { type StreamId, streamId } from "../../../domain/ids.ts";
import { PostgresEventLog } from "../../../infra/eventLog/postgresEventLog.ts";
import type { NewEvent } from "../../../infra/ports/eventLog.ts";

export interface Fact {
  readonly type: string;
  readonly version: number;
  readonly data: object;
  readonly target?: string;
}

export const conversationStream = (conversationId: string): StreamId =>
  streamId("main", "conversation", conversationId);

/** An event as some other program, older or newer than this one, would have put it. */
export const eventOf = ({ type, version, data, target }: Fact, commandId: string): NewEvent => ({
  type,
  version,
  target: target ?? null,
  data: JSON.stringify(data),
  meta: JSON.stringify({ commandId, correlationId: "other", actorId: null, occurredAt: new Date().toISOString() }),
  sealed: null,
});

export const commandOf = (facts: readonly Fact[], commandId: string = randomUUID()) => ({
  ...{ commandId, actorId: null, payloadHash: new Uint8Array(32) },
  events: facts.map((fact) => eventOf(fact, commandId)),
});

/** Appends to a conversation as another program would, by the log's own protocol. Gives the last position. */
export async function appendAsAnother(url: string, conversationId: string, facts: readonly Fact[]): Promise<number> {
  const log = new PostgresEventLog(url);
  try {
    const stream = conversationStream(conversationId);
    for (;;) {
      const appended = await log.append(stream, await log.revision(stream), [commandOf(facts)]);
      if (appended.status === "ok") return appended.events.at(-1)?.position ?? 0;
      if (appended.status !== "conflict") throw new Error(`the log answered ${appended.status}`);
    }
  } finally {
    await log.close();
  }
}
