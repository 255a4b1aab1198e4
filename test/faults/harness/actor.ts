import { z } from "zod";
import type { CommandName } from "../../../clients/sdk/contract.ts";
import { requestFor } from "../../../clients/sdk/routes.ts";
import type { Attempt, Reading, Seen } from "../checker/history.ts";
import type { Asked, Outcome, Recorder } from "./recorder.ts";

export const Answer = z.looseObject({ position: z.int(), revision: z.int(), seq: z.int().optional() });
const Problem = z.looseObject({ code: z.string() });
const Created = z.looseObject({ conversationId: z.string().optional() });
export const Message = z.looseObject({
  messageId: z.string(),
  seq: z.int(),
  revision: z.int(),
  text: z.string().nullable(),
  deleted: z.boolean(),
});
const Page = z.looseObject({ items: z.array(Message), more: z.object({ before: z.boolean(), after: z.boolean() }) });

export const seenOf = ({ messageId, seq, revision, text, deleted }: Seen): Seen => ({
  ...{ messageId, seq, revision, text, deleted },
});

/** Somebody signed in, as an actor acts for them. */
export interface Identity {
  readonly userId: string;
  readonly token: string;
}

const ANSWER_MS = 30_000;

/** Somebody who acts over HTTP, and of whom all of it is taken down. `where`: the server's URL at the time of asking. */
export function actor(recorder: Recorder, { userId, token }: Identity, where: () => string) {
  const ask = (method: string, path: string, more: { body?: string; headers?: Record<string, string> } = {}) =>
    fetch(`${where()}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(more.body === undefined ? {} : { "content-type": "application/json" }),
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: more.body }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });

  return {
    userId,
    token,
    /** One attempt. The same id again is the same command again. */
    command(name: CommandName, payload: object, commandId: string): Promise<Attempt> {
      const { method, path, body, headers } = requestFor(name, payload, commandId);
      return recorder.attempt(askedOf(userId, name, payload, commandId), async () =>
        outcomeOf(
          await ask(method, path, {
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            ...(headers === undefined ? {} : { headers: { ...headers } }),
          }),
        ),
      );
    },
    /** The newest messages; undefined where no answer came. */
    async read(conversationId: string, minPosition = 0): Promise<Reading | undefined> {
      const invokedAt = recorder.moment();
      try {
        const path = `/conversations/${conversationId}/messages?limit=200&minPosition=${minPosition}`;
        const response = await ask("GET", path);
        const body: unknown = await response.json();
        const page = response.ok ? Page.parse(body) : { items: [], more: { before: false, after: false } };
        const reading: Reading = {
          ...{ userId, conversationId, invokedAt, minPosition, status: response.status },
          endedAt: recorder.moment(),
          messages: page.items.map(seenOf),
          whole: !page.more.before,
        };
        recorder.readings.push(reading);
        return reading;
      } catch (error) {
        if (error instanceof z.ZodError) throw error;
        return undefined;
      }
    },
  };
}

export type Actor = ReturnType<typeof actor>;

/** What the checker is told of a command, by its payload. */
export function askedOf(userId: string, name: CommandName, payload: object, commandId: string): Asked {
  const of = (field: string): string | undefined =>
    Object.entries(payload).flatMap(([key, value]) => (key === field && typeof value === "string" ? [value] : []))[0];
  const [messageId, text, otherId] = [of("messageId"), of("text"), of("userId")];
  return {
    ...{ userId, name },
    conversationId: of("conversationId") ?? null,
    commandId: name === "MarkRead" || name === "MarkDelivered" ? null : commandId,
    ...(messageId === undefined ? {} : { messageId }),
    ...(text === undefined ? {} : { text }),
    ...(otherId === undefined ? {} : { otherId }),
  };
}

/** A refusal is final where the same request would be refused again; all else leaves open what happened. */
async function outcomeOf(response: Response): Promise<Outcome> {
  const body: unknown = await response.json();
  if (response.ok) return okOf(body);
  const { code } = Problem.parse(body);
  return isFinal(code) ? { outcome: "failed", code } : { outcome: "unknown", code };
}

export const isFinal = (code: string): boolean =>
  !["unavailable", "projection-behind", "rate-limited", "unauthenticated"].includes(code);

export function okOf(body: unknown): Outcome {
  const { position, revision, seq } = Answer.parse(body);
  const { conversationId } = Created.parse(body);
  return {
    outcome: "ok",
    answer: { position, revision, ...(seq === undefined ? {} : { seq }) },
    ...(conversationId === undefined ? {} : { conversationId }),
  };
}

/** Sends again, with the same id, until it is answered or refused for good. */
export async function insist(attempt: () => Promise<Attempt>, withinMs = 60_000): Promise<Attempt> {
  const end = performance.now() + withinMs;
  for (;;) {
    const { outcome, ...tried } = await attempt();
    if (outcome === "ok" || outcome === "failed") return { outcome, ...tried };
    if (performance.now() > end) throw new Error(`no answer to ${tried.name} ${tried.commandId} within ${withinMs} ms`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
