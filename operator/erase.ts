import { accountNamed } from "../accounts/accountRows.ts";
import { byTenant } from "../accounts/byTenant.ts";
import type { AccountParts } from "../accounts/parts.ts";
import { reportOf } from "../compliance/erasure/getErasure.ts";
import { type Erasure, statusOf } from "../compliance/erasure/readErasure.ts";
import { requestErasure } from "../compliance/erasure/requestErasure.ts";
import { Reason } from "../compliance/reason.ts";
import { Uuid } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface EraseFlags extends SettingFlags {
  readonly reason: string;
  readonly tenant: string;
  readonly partial?: boolean;
  readonly redactName?: readonly string[];
  readonly json?: boolean;
}

/** Erases a person and shows each place as it is swept. What a kill leaves undone, the server goes on with. */
export async function eraseCommand(person: string, flags: EraseFlags): Promise<number> {
  const reason = Reason.safeParse(flags.reason);
  if (!reason.success) throw new CommandFailed("--reason must say something, in at most 2,000 characters");
  const redactNames = (flags.redactName ?? []).map(conversationNamed);
  return onFolder(flags, async ({ compliance }) => {
    const { accounts, erasures } = compliance;
    const { tenant } = flags;
    const userId = await personNamed(accounts, tenant, person);
    const by = byTenant(accounts.engine, tenant);
    const partial = flags.partial ?? false;
    const asked = await requestErasure(compliance, { userId, reason: reason.data, partial, redactNames }, by);
    if (isRejection(asked)) throw new CommandFailed(asked.detail);
    if (asked.status === "waiting") {
      print(asked, flags.json, [`erasure ${asked.erasureId} waits for a second officer, seven days at most`]);
      return exitCodes.done;
    }
    const tell = flags.json ? () => {} : teller();
    const erasure = await erasures.complete(tenant, asked.erasureId, tell);
    print(reportOf(erasure, erasures.sinks), flags.json, lastLines(erasure));
    return statusOf(erasure) === "done" ? exitCodes.done : exitCodes.failed;
  });
}

function conversationNamed(id: string): string {
  const parsed = Uuid.safeParse(id);
  if (!parsed.success)
    throw new CommandFailed(`--redact-name takes the id of a conversation, not ${JSON.stringify(id)}`);
  return parsed.data;
}

/** By user name, or by id. @throws CommandFailed where there is no such account */
export async function personNamed({ engine, database }: AccountParts, tenant: string, person: string): Promise<string> {
  const id = Uuid.safeParse(person);
  if (id.success) return id.data;
  const named = await accountNamed(database, tenant, await engine.sealing.lookupHash(tenant, "username", person));
  if (!named) throw new CommandFailed(`nobody in ${tenant} is called ${JSON.stringify(person)}`);
  return named.userId;
}

/** Tells each thing once it is done, whoever did it: a server beside this takes steps, too. */
function teller(): (erasure: Erasure) => void {
  const told = new Set<string>();
  const once = (what: string, line: string) => {
    if (!told.has(what)) process.stdout.write(`${line}\n`);
    told.add(what);
  };
  return ({ erasureId, userId, swept, effectiveAt }) => {
    once("begun", `erasure ${erasureId} of ${userId}`);
    const destroyed = () => {
      if (effectiveAt === undefined) return;
      const at = new Date(effectiveAt).toISOString();
      once("destroyed", `  destroyed  the person's secret: nothing opens anywhere from ${at} on`);
    };
    for (const [sink, { items, doneAt }] of swept) {
      if (effectiveAt !== undefined && doneAt >= effectiveAt) destroyed();
      once(`sink ${sink}`, `  swept      ${sink.padEnd(12)} ${items}`);
    }
    destroyed();
  };
}

function lastLines(erasure: Erasure): string[] {
  const { heldBy, certificates, namesToReview = [], redactNames } = erasure;
  const toReview = namesToReview.filter((id) => !redactNames.includes(id));
  if (statusOf(erasure) === "held")
    return [
      `held by ${heldBy.join(", ")}: it goes on by itself once these holds are lifted`,
      "nothing was destroyed; nobody signs in as this person any more",
    ];
  return [
    ...(toReview.length > 0 ? [`names to review: conversations ${toReview.join(", ")}`] : []),
    "done; final once the week keys of today are destroyed, at most 14 days on",
    ...(certificates.completion === undefined
      ? [`its certificate follows once a server signs the log: GET /api/v1/compliance/erasures/${erasure.erasureId}`]
      : ["", certificates.completion.trimEnd()]),
  ];
}
