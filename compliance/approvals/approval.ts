import { z } from "zod";
import type { AccountParts } from "../../accounts/parts.ts";
import { type Engine, type Placement, unchanged } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { ApprovalAsked, ApprovalGiven, type ToApprove } from "../../domain/compliance/events.ts";
import { type StreamId, streamId, uuidV5 } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
import { complianceCase } from "../complianceCase.ts";
import { noteApproval } from "./approvalRows.ts";

const DAY_MS = 86_400_000;
const WAITS_DAYS = 7;

/** Of an erasure or a hold: its own stream begins when it is carried out. */
const streamOf = (tenant: string, caseId: string): StreamId =>
  streamId(tenant, "compliance", uuidV5(JSON.stringify(["approval", tenant, caseId])));

/** As it was asked for last. */
export interface Approval {
  readonly what: ToApprove;
  readonly askedBy: string;
  readonly commandId: string;
  /** Milliseconds since 1970, as `expiresAt` is. */
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly reason: string | null;
  /** Null until somebody did. */
  readonly approvedBy: string | null;
  /** Of its last event. */
  readonly position: number;
}

const Sealed = z.object({ reason: z.string().nullable() });

/** From the log itself; undefined where nothing was asked for. @throws LogUnavailable, KeysUnavailable */
export async function readApproval(
  { log, sealing }: Pick<Engine, "log" | "sealing">,
  tenant: string,
  caseId: string,
): Promise<Approval | undefined> {
  let approval: Approval | undefined;
  for await (const recorded of log.readStream(streamOf(tenant, caseId))) {
    const { position, sealed } = recorded;
    const facts = decodeFacts(recorded);
    if (facts.type === "ApprovalAsked" && sealed) {
      const [opened] = await sealing.open([{ ...recorded, sealed }]);
      const reason = opened?.state === "readable" ? Sealed.parse(opened.content).reason : null;
      const expiresAt = Date.parse(facts.data.expiresAt);
      approval = { ...facts.data, askedAt: recorded.recordedAt, expiresAt, reason, approvedBy: null, position };
    }
    if (facts.type === "ApprovalGiven" && approval) approval = { ...approval, ...facts.data, position };
  }
  return approval;
}

/** @param now milliseconds since 1970 */
export function standingOf({ approvedBy, expiresAt }: Approval, now: number): "waiting" | "approved" | "lapsed" {
  if (approvedBy !== null) return "approved";
  return now < expiresAt ? "waiting" : "lapsed";
}

export interface Asking {
  readonly what: ToApprove;
  readonly reason: string | null;
  readonly commandId: string;
}

/**
 * Lets something wait for a second officer, once it is written down that it was asked for. What waits already goes on
 * waiting, as it was asked for.
 */
export async function askApproval(
  { engine, database }: Pick<AccountParts, "engine" | "database">,
  { what, reason, commandId }: Asking,
  by: By,
): Promise<z.output<typeof Placement> | Rejection> {
  const looking = { ...lookingBy(by), ...(reason === null ? {} : { purpose: reason }) };
  const refused = await writtenDown({ database, engine }, looking, "ask-approval", what);
  if (refused) return refused;
  await noteApproval(database, { tenant: by.tenant, caseId: what.caseId, askedAt: by.now });
  const expiresAt = new Date(by.now.getTime() + WAITS_DAYS * DAY_MS).toISOString();
  const outcome = await complianceCase.mailboxes(engine).send(streamOf(by.tenant, what.caseId), {
    name: "AskApproval",
    payload: { what, reason },
    sender: { ...by, commandId: engine.newId() },
    keyed: false,
    needs: () => undefined,
    decide({ asked, done }) {
      const [askedAt, givenAt] = [done.get("ApprovalAsked") ?? -1, done.get("ApprovalGiven") ?? -1];
      const waits = asked !== null && askedAt > givenAt && by.now.getTime() < Date.parse(asked.expiresAt);
      return waits
        ? unchanged(askedAt)
        : [ApprovalAsked({ what, askedBy: by.userId, commandId, expiresAt }, { reason })];
    },
  });
  return isRejection(outcome) ? outcome : { position: outcome.position, revision: outcome.revision };
}

const byAsker = () => reject("forbidden", "who asked for it does not approve it");
const tooLate = () => reject("gone", "it waited too long: ask for it again");

/** Why this person cannot approve it, as far as is known before it is decided. */
export function refusedTo(by: By, approval: Approval): Rejection | undefined {
  if (approval.askedBy === by.userId) return byAsker();
  return standingOf(approval, by.now.getTime()) === "lapsed" ? tooLate() : undefined;
}

/** Says that a second person agrees: another one than who asked, whatever roles and devices either has. */
export async function giveApproval(engine: Engine, caseId: string, by: By): Promise<Rejection | undefined> {
  const outcome = await complianceCase.mailboxes(engine).send(streamOf(by.tenant, caseId), {
    name: "GiveApproval",
    payload: { caseId },
    sender: { ...by, commandId: engine.newId() },
    keyed: false,
    needs: () => undefined,
    decide({ asked, done }) {
      if (asked === null) return reject("not-found", "nothing of this id waits for approval");
      if (asked.by === by.userId) return byAsker();
      const [askedAt, givenAt] = [done.get("ApprovalAsked") ?? -1, done.get("ApprovalGiven") ?? -1];
      if (givenAt > askedAt) return unchanged(givenAt);
      if (by.now.getTime() >= Date.parse(asked.expiresAt)) return tooLate();
      return [ApprovalGiven({ approvedBy: by.userId })];
    },
  });
  return isRejection(outcome) ? outcome : undefined;
}
