import { byTenant } from "../accounts/byTenant.ts";
import { RetentionRules, setRetention } from "../compliance/retention/doors.ts";
import { readRules } from "../compliance/retention/rules.ts";
import { isRejection } from "../domain/rejection.ts";
import type { RetentionRule } from "../domain/tenant/events.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface RetentionFlags extends SettingFlags {
  readonly tenant: string;
  readonly kind?: string;
  readonly conversation?: string;
  readonly json?: boolean;
}

/** One rule, beside those that are about something else. `--days ever` takes it away. */
export const setRetentionCommand = (flags: RetentionFlags & { readonly days: string }): Promise<number> =>
  onFolder(flags, async ({ compliance }) => {
    const { tenant, kind, conversation: conversationId, days } = flags;
    const { engine } = compliance.accounts;
    const others = (await readRules(engine, tenant)).filter(
      (rule) => rule.kind !== kind || rule.conversationId !== conversationId,
    );
    const wanted = { ...(kind ? { kind } : {}), ...(conversationId ? { conversationId } : {}), days: Number(days) };
    const rules = RetentionRules.safeParse(days === "ever" ? others : [...others, wanted]);
    if (!rules.success)
      throw new CommandFailed(
        "--days is a number of days, or ever; --kind is direct or group; or --conversation is an id",
      );
    const set = await setRetention(compliance, rules.data, byTenant(engine, tenant));
    if (isRejection(set)) throw new CommandFailed(set.detail);
    const waits = set.status === "waiting" && `this waits for a second officer, seven days at most: ${set.caseId}`;
    print(waits ? set : rules.data, flags.json, waits ? [waits] : described(rules.data));
    return exitCodes.done;
  });

export const listRetentionCommand = (flags: RetentionFlags): Promise<number> =>
  onFolder(flags, async ({ compliance }) => {
    const rules = await readRules(compliance.accounts.engine, flags.tenant);
    print(rules, flags.json, described(rules));
    return exitCodes.done;
  });

function described(rules: readonly RetentionRule[]): string[] {
  const about = ({ kind, conversationId }: RetentionRule) =>
    conversationId === undefined ? `${kind ?? "all"} conversations` : `conversation ${conversationId}`;
  const lines = rules.map((rule) => `${about(rule)}: ${rule.days} days`);
  return [
    ...lines,
    rules.some(({ kind, conversationId }) => !kind && !conversationId) ? "" : "all else: for ever",
  ].filter((line) => line !== "");
}
