import type { Engine } from "../../commands/index.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { streamId, uuidV5 } from "../../domain/ids.ts";

/** A person's right to read a conversation in an emergency. */
export interface Grant {
  readonly grantId: string;
  readonly conversationId: string;
  readonly userId: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly endedEarly: boolean;
}

/** One for each person and conversation, however often it is opened: so it is found without a table. */
export const grantIdOf = (tenant: string, conversationId: string, userId: string): string =>
  uuidV5(JSON.stringify(["break-glass", tenant, conversationId, userId]));

/** As it was opened last, from the log itself; undefined where it never was. @throws LogUnavailable */
export async function readGrant(
  { log }: Pick<Engine, "log">,
  tenant: string,
  grantId: string,
): Promise<Grant | undefined> {
  let grant: Grant | undefined;
  for await (const recorded of log.readStream(streamId(tenant, "compliance", grantId))) {
    const facts = decodeFacts(recorded);
    if (facts.type === "BreakGlassOpened") {
      const { conversationId, userId, until } = facts.data;
      grant = { grantId, conversationId, userId, until: Date.parse(until), endedEarly: false };
    }
    if (facts.type === "BreakGlassEnded" && grant) grant = { ...grant, endedEarly: true };
  }
  return grant;
}

/** It ends by itself: nothing has to happen for that, so nothing can keep it from happening. */
export const stands = (grant: Grant | undefined, now: Date): grant is Grant =>
  grant !== undefined && !grant.endedEarly && now.getTime() < grant.until;
