import { accountNamed } from "../../accounts/accountRows.ts";
import type { Foundation } from "../../infra/foundation.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import type { SettingFlags } from "../settings.ts";
import { importSlack } from "./importSlack.ts";
import { progressLine } from "./progressLine.ts";
import { openSlackExport } from "./slackExport.ts";

export interface ImportFlags extends SettingFlags {
  readonly as?: string;
  readonly tenant: string;
}

/** Imports a Slack export, beside a running service or on a stopped one's folder. Resolves with the exit code. */
export async function importSlackCommand(path: string, flags: ImportFlags): Promise<number> {
  const progress = progressLine();
  const stopping = new AbortController();
  const interrupted = () => stopping.abort(new Interrupted("stopped before its end: run it again to go on"));
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  progress.begin("checking", 0);
  const archive = await openSlackExport(path, progress.step);
  try {
    progress.end();
    stopping.signal.throwIfAborted();
    const work = async (foundation: Foundation) => {
      const { tenant } = flags;
      if (!(await foundation.accounts.parts.tenants.exists(tenant)))
        throw new CommandFailed(`there is no tenant ${tenant}: make it with scripta tenant add`);
      const owner = flags.as === undefined ? undefined : await ownerNamed(foundation, tenant, flags.as);
      const summary = await importSlack({ foundation, archive, tenant, owner, progress, signal: stopping.signal });
      process.stdout.write(`${JSON.stringify(summary)}\n`);
      return exitCodes.done;
    };
    return await onFolder(flags, work, { founds: true });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`scripta: ${error.message}\n`);
    return exitCodes.interrupted;
  } finally {
    progress.end();
    archive.close();
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}

class Interrupted extends Error {}

async function ownerNamed({ database, engine }: Foundation, tenant: string, username: string): Promise<string> {
  const hash = await engine.sealing.lookupHash(tenant, "username", username);
  const account = await accountNamed(database, tenant, hash);
  if (!account?.open)
    throw new CommandFailed(`there is no account ${username} in the tenant ${tenant}: register it first`);
  const known = await engine.accounts(tenant, [account.userId]);
  if (known.get(account.userId)?.guest) throw new CommandFailed(`${username} is a guest, who can own no conversation`);
  return account.userId;
}
