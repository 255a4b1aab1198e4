import type { AccountParts } from "../../accounts/parts.ts";
import { streamId } from "../../domain/ids.ts";
import type { Holds } from "../../infra/ports/holds.ts";
import { conversationsAuthored } from "../../projections/history/queries.ts";
import type { Erasure } from "./readErasure.ts";
import { redactName } from "./redactName.ts";

/** The conversations that a person wrote in, as far as the read models know by now. */
export async function streamsOf({ database, people }: AccountParts, tenant: string, userId: string): Promise<string[]> {
  if (!(await people.settled())) throw new Error("the read models are not at the log's head");
  const conversations = await conversationsAuthored(database, tenant, userId);
  return conversations.map((id) => streamId(tenant, "conversation", id));
}

/**
 * Destroys a person's secret, unless holds stand in the way: gives their ids. With it go the secrets of the names that are to
 * be redacted. What is destroyed under a hold is kept for it in any case; which streams are looked at decides only whether
 * an erasure waits.
 */
export const destroyPerson =
  (accounts: AccountParts, holds: Pick<Holds, "destroyUnlessHeld">) =>
  async (
    erasure: Pick<Erasure, "tenant" | "erasureId" | "userId" | "partial" | "redactNames">,
  ): Promise<readonly string[]> => {
    const { tenant, userId, partial, redactNames } = erasure;
    if (!partial) {
      // Where no hold is over anything at all, nobody needs to know where this person wrote.
      const any = await holds.destroyUnlessHeld(tenant, userId);
      if (any.length > 0) {
        const over = await holds.destroyUnlessHeld(tenant, userId, await streamsOf(accounts, tenant, userId));
        if (over.length > 0) return over;
      }
    }
    const names: string[] = [];
    for (const conversationId of redactNames)
      names.push(...(await redactName(accounts.engine, erasure, conversationId)));
    // The person once more, so that this process forgets what it holds at once.
    await accounts.engine.sealing.destroy([userId, ...names].map((of) => ({ tenant, of })));
    return [];
  };
