import { byTenant } from "../accounts/byTenant.ts";
import { approve } from "../compliance/approvals/approve.ts";
import { waitingApprovals } from "../compliance/approvals/listApprovals.ts";
import { tenantId, Uuid } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import type { FourEyesAction } from "../domain/tenant/events.ts";
import { byOperator } from "./byOperator.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface ApproveFlags extends SettingFlags {
  readonly tenant: string;
  readonly json?: boolean;
  readonly purpose?: string;
}

/** What an officer asked for. What was asked for on the machine itself is an officer's to approve. */
export function approveCommand(id: string, flags: ApproveFlags): Promise<number> {
  const caseId = Uuid.safeParse(id).data;
  if (caseId === undefined) throw new CommandFailed(`${id} is no id: scripta approvals lists what waits`);
  return onFolder(flags, async ({ compliance, engine }) => {
    const by = byTenant(engine, flags.tenant);
    const approved = await approve(compliance, caseId, by, byOperator(engine, flags));
    if (isRejection(approved)) throw new CommandFailed(approved.detail);
    print(approved, flags.json, [`approved: ${cameOf(approved.action, caseId)}`]);
    return exitCodes.done;
  });
}

function cameOf(action: FourEyesAction, caseId: string): string {
  switch (action) {
    case "erase":
      return `erasure ${caseId} is carried out`;
    case "lift-hold":
      return `hold ${caseId} is lifted`;
    case "export":
      return `scripta export --approved ${caseId} fetches it`;
    case "shorten-retention":
      return "the rules of retention are as they were asked for";
    default:
      return action satisfies never;
  }
}

/** What waits for a second officer. */
export const listApprovalsCommand = (flags: ApproveFlags): Promise<number> =>
  onFolder(flags, async ({ compliance, engine }) => {
    const waiting = await waitingApprovals(compliance, byOperator(engine, flags));
    if (isRejection(waiting)) throw new CommandFailed(waiting.detail);
    const rows = waiting.map(
      ({ caseId, status, what: { action, caseId: _, ...about }, askedBy, expiresAt, reason }) => [
        caseId,
        action,
        status,
        askedBy === tenantId(flags.tenant) ? "operator" : askedBy,
        expiresAt,
        JSON.stringify(about),
        reason ?? "",
      ],
    );
    print(waiting, flags.json, table([["id", "what", "status", "asked by", "until", "about", "reason"], ...rows]));
    return exitCodes.done;
  });
