import { byTenant } from "../../accounts/byTenant.ts";
import { ungatedConversation } from "../../commands/conversation/aggregate.ts";
import { fieldOf } from "../../commands/conversation/lastingContent.ts";
import { type Engine, unchanged } from "../../commands/index.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { ConversationDescribed, ConversationNameRedacted } from "../../domain/conversation/events.ts";
import { redactedNameSubject, streamId } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import type { Holds } from "../../infra/ports/holds.ts";
import type { ToOpen } from "../../sealing/sealing.ts";
import type { Erasure } from "./readErasure.ts";

/** From the log, so it is never behind. */
export async function isGroup({ log }: Pick<Engine, "log">, tenant: string, conversationId: string): Promise<boolean> {
  for await (const first of log.readStream(streamId(tenant, "conversation", conversationId), 0, 1)) {
    const facts = decodeFacts(first);
    return facts.type === "ConversationCreated" && facts.data.kind === "group";
  }
  return false;
}

/** The ids of holds that cover a conversation's names. */
export const holdsOverName = (holds: Pick<Holds, "over">, tenant: string, conversationId: string) =>
  holds.over(tenant, conversationId, [streamId(tenant, "conversation", conversationId)]);

/**
 * A conversation goes on without a name, and what is named from here on is sealed under a secret of its own. Doing it again
 * changes nothing.
 * @returns the subjects whose secrets open the names of before: to be destroyed
 * @throws Error where the log does not take it now
 */
export async function redactName(
  engine: Engine,
  { tenant, erasureId }: Pick<Erasure, "tenant" | "erasureId">,
  conversationId: string,
): Promise<string[]> {
  const stream = streamId(tenant, "conversation", conversationId);
  const under = redactedNameSubject(tenant, conversationId, erasureId);
  let before: string[] = [];
  const outcome = await ungatedConversation.mailboxes(engine).send(stream, {
    name: "RedactName",
    payload: { erasureId },
    sender: { ...byTenant(engine, tenant), unnamed: true, commandId: engine.newId() },
    keyed: false,
    needs: ({ descriptionAt }) => ({ opened: [descriptionAt] }),
    decide({ redactions, descriptionAt }, { opened }) {
      const done = redactions.findIndex((redaction) => redaction.under === under);
      const earlier = done < 0 ? redactions : redactions.slice(0, done);
      before = [conversationId, ...earlier.map((redaction) => redaction.under)];
      const said = redactions[done];
      if (said) return unchanged(said.at);
      const description = fieldOf(opened(descriptionAt), "description");
      return [
        ConversationNameRedacted({ erasureId, under }),
        ...(typeof description === "string" ? [ConversationDescribed({ under }, { description })] : []),
      ];
    },
  });
  if (isRejection(outcome)) throw new Error(`the name of ${conversationId} was not redacted: ${outcome.detail}`);
  return before;
}

/** Names and descriptions of a conversation that lie before its redaction by this erasure, still sealed. */
export async function sealedBeforeRedaction(
  log: Pick<Engine["log"], "readStream">,
  { tenant, conversationId, erasureId }: { tenant: string; conversationId: string; erasureId: string },
): Promise<ToOpen[]> {
  const before: ToOpen[] = [];
  for await (const event of log.readStream(streamId(tenant, "conversation", conversationId))) {
    if (event.sealed && (event.type === "ConversationRenamed" || event.type === "ConversationDescribed"))
      before.push({ ...event, sealed: event.sealed });
    if (event.type !== ConversationNameRedacted.type) continue;
    const facts = decodeFacts(event);
    if (facts.type === "ConversationNameRedacted" && facts.data.erasureId === erasureId) return before;
  }
  throw new Error(`the name of ${conversationId} was not redacted yet`);
}
