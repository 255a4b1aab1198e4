import type { Queryable } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import type { LogSigner } from "../../infra/ports/logSigner.ts";
import { newestCheckpoint } from "../tlog/checkpoints.ts";
import { entriesAt } from "../tlog/events.ts";
import { originOf } from "../tlog/origin.ts";
import { parseCheckpoint } from "../verifier/checkpoint.ts";
import { parseNote } from "../verifier/note.ts";
import type { Erasure } from "./readErasure.ts";

const at = (ms: number): string => new Date(ms).toISOString();

/** What the certificate of an erasure says, before it is signed: ids, times and counts alone. */
export function certificateText(
  erasure: Erasure,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): string {
  const { erasureId, userId, requestedAt, effectiveAt, finalAt, swept, completedAt } = erasure;
  if (effectiveAt === undefined || completedAt === undefined)
    throw new Error(`the erasure ${erasureId} is not completed: nothing can be certified of it`);
  const lines = [
    "scripta/erasure/v1",
    `erasure ${erasureId}`,
    `person ${userId}`,
    `requested ${at(requestedAt)}`,
    `effective ${at(effectiveAt)}`,
    `final ${finalAt === undefined ? "pending" : at(finalAt)}`,
    ...[...swept].map(([sink, { items }]) => `sink ${sink} ${items}`),
    `position ${completedAt}`,
    `checkpoint ${size} ${Buffer.from(root).toString("base64")}`,
  ];
  return `${lines.join("\n")}\n`;
}

export interface CertifierParts {
  readonly database: Queryable;
  readonly log: Pick<EventLog, "epoch">;
  readonly signer: Pick<LogSigner, "signNote">;
  /** As configured; an epoch adds its own. */
  readonly name: string;
}

/** Undefined until a signed checkpoint covers what is certified. */
export type Certifier = (erasure: Erasure) => Promise<string | undefined>;

/** Signs certificates by the verifiable log's own key: a signed note. @see C2SP signed-note */
export const certifier =
  ({ database, log, signer, name }: CertifierParts): Certifier =>
  async (erasure) => {
    const origin = originOf(name, await log.epoch());
    const checkpoint = await newestCheckpoint(database, origin);
    const index = (await entriesAt(database, [erasure.position])).get(erasure.position)?.index;
    if (!checkpoint || index === undefined || index >= checkpoint.size) return undefined;
    return signer.signNote(origin, certificateText(erasure, parseCheckpoint(parseNote(checkpoint.note).text)));
  };
