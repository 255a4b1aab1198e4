import type { Engine } from "../../commands/index.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { streamId, tenantId } from "../../domain/ids.ts";
import type { RetentionRule } from "../../domain/tenant/events.ts";

const DAY_MS = 86_400_000;

/** As the tenant's own stream tells. */
export async function readRules({ log }: Pick<Engine, "log">, tenant: string): Promise<readonly RetentionRule[]> {
  let rules: readonly RetentionRule[] = [];
  for await (const recorded of log.readStream(streamId(tenant, "tenant", tenantId(tenant)))) {
    const facts = decodeFacts(recorded);
    if (facts.type === "RetentionChanged") rules = facts.data.rules;
  }
  return rules;
}

/** For how many days a conversation's messages are kept: by its own rule, else its kind's, else the tenant's. */
export function daysKept(
  rules: readonly RetentionRule[],
  conversation: { readonly conversationId: string; readonly kind: "direct" | "group" },
): number | undefined {
  const rule =
    rules.find(({ conversationId }) => conversationId === conversation.conversationId) ??
    rules.find(({ conversationId, kind }) => conversationId === undefined && kind === conversation.kind) ??
    rules.find(({ conversationId, kind }) => conversationId === undefined && kind === undefined);
  return rule?.days;
}

/** Whether anything, anywhere, is kept for less long by other rules. A conversation that has a rule may be of either kind. */
export function shortens(before: readonly RetentionRule[], after: readonly RetentionRule[]): boolean {
  const named = [...before, ...after].flatMap(({ conversationId }) => conversationId ?? []);
  return ["", ...named].some((conversationId) =>
    (["direct", "group"] as const).some((kind) => {
      const [was, is] = [before, after].map((rules) => daysKept(rules, { conversationId, kind }) ?? Infinity);
      return is !== undefined && was !== undefined && is < was;
    }),
  );
}

/**
 * The first day that is kept: content of a day may be recorded on the next one, and all of that is kept for so many whole
 * days.
 * @param now milliseconds since 1970
 */
export const firstDayKept = (now: number, days: number): string =>
  new Date(now - (days + 1) * DAY_MS).toISOString().slice(0, 10);
