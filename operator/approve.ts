import { byTenant } from "../accounts/byTenant.ts";
import { approve } from "../compliance/approvals/approve.ts";
import { Uuid } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import { byOperator } from "./byOperator.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface ApproveFlags extends SettingFlags {
  readonly tenant: string;
  readonly json?: boolean;
  readonly purpose?: string;
}

/** What an officer asked for. What was asked for on the machine itself is an officer's to approve. */
export function approveCommand(id: string, flags: ApproveFlags): Promise<number> {
  const caseId = Uuid.safeParse(id).data;
  if (caseId === undefined) throw new CommandFailed(`${id} is no id of an erasure or a hold`);
  return onFolder(flags, async ({ compliance, engine }) => {
    const by = byTenant(engine, flags.tenant);
    const approved = await approve(compliance, caseId, by, byOperator(engine, flags));
    if (isRejection(approved)) throw new CommandFailed(approved.detail);
    const what = approved.action === "erase" ? `erasure ${caseId} is carried out` : `hold ${caseId} is lifted`;
    print(approved, flags.json, [`approved: ${what}`]);
    return exitCodes.done;
  });
}
