import { byTenant } from "../accounts/byTenant.ts";
import { liftHold } from "../compliance/holds/liftHold.ts";
import { standingHolds } from "../compliance/holds/listHolds.ts";
import { HoldAsked, placeHold } from "../compliance/holds/placeHold.ts";
import { Uuid } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import { byOperator, worded } from "./byOperator.ts";
import { CommandFailed } from "./commandFailed.ts";
import { personNamed } from "./erase.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface HoldFlags extends SettingFlags {
  readonly tenant: string;
  readonly json?: boolean;
  readonly purpose?: string;
}

interface PlaceFlags extends HoldFlags {
  readonly conversation?: string;
  readonly person?: string;
  readonly from?: string;
  readonly to?: string;
  readonly reason: string;
}

export const placeHoldCommand = (flags: PlaceFlags): Promise<number> =>
  onFolder(flags, async ({ compliance }) => {
    const { accounts } = compliance;
    const { tenant, conversation: conversationId, person, from, to, reason } = flags;
    const userId = person === undefined ? undefined : await personNamed(accounts, tenant, person);
    const asked = HoldAsked.safeParse({ conversationId, userId, from, to, reason });
    if (!asked.success) throw new CommandFailed(asked.error.issues.map(whatIsWrong).join("; "));
    const placed = await placeHold(compliance, asked.data, byTenant(accounts.engine, tenant));
    if (isRejection(placed)) throw new CommandFailed(placed.detail);
    print(placed, flags.json, [`hold ${placed.holdId} stands: what lies in its scope outlives erasure and retention`]);
    return exitCodes.done;
  });

const flagOf: Readonly<Record<string, string>> = {
  conversationId: "--conversation takes the id of a conversation",
  from: "--from takes a time, such as 2026-01-01T00:00:00Z",
  to: "--to takes a time, such as 2026-01-01T00:00:00Z",
  reason: "--reason must say something, in at most 2,000 characters",
};
const whatIsWrong = ({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string =>
  flagOf[String(path[0])] ?? message;

export const liftHoldCommand = (holdId: string, flags: HoldFlags): Promise<number> =>
  onFolder(flags, async ({ compliance }) => {
    if (!Uuid.safeParse(holdId).success) throw new CommandFailed(`${JSON.stringify(holdId)} is no hold's id`);
    const { tenant } = flags;
    const purpose = worded(flags.purpose);
    const by = { ...byTenant(compliance.accounts.engine, tenant), ...(purpose === undefined ? {} : { purpose }) };
    const lifted = await liftHold(compliance, holdId, by);
    if (isRejection(lifted)) throw new CommandFailed(lifted.detail);
    print({ holdId, ...lifted }, flags.json, [
      lifted.status === "waiting"
        ? `hold ${holdId} stands until a second officer approves that it is lifted, seven days at most`
        : `hold ${holdId} is lifted: what it alone kept is gone`,
    ]);
    return exitCodes.done;
  });

export const listHoldsCommand = (flags: HoldFlags): Promise<number> =>
  onFolder(flags, async ({ compliance }) => {
    const holds = await standingHolds(compliance, byOperator(compliance.accounts.engine, flags));
    if (isRejection(holds)) throw new CommandFailed(holds.detail);
    const rows = holds.map(({ holdId, conversationId = "any", userId = "anybody", from = "", to = "", reason }) => [
      holdId,
      conversationId,
      userId,
      from,
      to,
      reason ?? "",
    ]);
    print(holds, flags.json, table([["hold", "conversation", "person", "from", "to", "reason"], ...rows]));
    return exitCodes.done;
  });
