import { isScriptaError, type ScriptaClient } from "../../../clients/sdk/index.ts";
import type { Attempt, Device } from "../checker/history.ts";
import { askedOf, okOf, seenOf } from "../harness/actor.ts";
import type { Recorder } from "../harness/recorder.ts";
import type { Step } from "./steps.ts";

/** A step by the SDK, which sends it again by itself until it is answered. */
export const sdkStep = (recorder: Recorder, client: ScriptaClient, { name, payload, id }: Step): Promise<Attempt> =>
  recorder.attempt(askedOf(client.userId, name, payload, id), async () => {
    try {
      return okOf(await commanded(client, name, payload, id));
    } catch (error) {
      if (!isScriptaError(error)) throw error;
      // It may have been done, unheard, by an earlier try: who left by it is told 404 for any key.
      return error.code === "not-found"
        ? { outcome: "unknown", code: error.code }
        : { outcome: "failed", code: error.code };
    }
  });

/** Steps are drawn in the contract's shapes; the server judges them. */
function commanded(client: ScriptaClient, name: Step["name"], payload: object, id: string): Promise<object>;
function commanded(
  client: { command(name: string, payload: object, id: string): Promise<object> },
  name: string,
  payload: object,
  id: string,
): Promise<object> {
  return client.command(name, payload, id);
}

const LAST_MESSAGES = 20;

/**
 * What a device holds of what it is sent by itself: of each conversation the last messages. What lay before one's first
 * message when the conversation came is history that one fetches, also once it is opened to all.
 */
export function sdkHolding(reader: string, client: ScriptaClient): () => Device {
  const firstSeqs = new Map<string, number>();
  client.on("reset", () => firstSeqs.clear());
  client.on("conversation", ({ conversationId, held }) => {
    if (held) firstSeqs.set(conversationId, Math.max(firstSeqs.get(conversationId) ?? 1, held.conversation.firstSeq));
    else firstSeqs.delete(conversationId);
  });
  return () => ({
    reader,
    userId: client.userId,
    conversations: client.inbox().map(({ conversation: { conversationId, lastSeq, unread } }) => ({
      conversationId,
      unread,
      floor: Math.max(firstSeqs.get(conversationId) ?? 1, lastSeq - LAST_MESSAGES + 1),
      messages: client.messages(conversationId).map(seenOf),
    })),
  });
}
