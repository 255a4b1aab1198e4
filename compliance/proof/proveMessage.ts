import { type Rejection, reject } from "../../domain/rejection.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { originOf } from "../tlog/origin.ts";
import type { ServedLogParts } from "../tlog/serveLog.ts";
import { checkProof } from "../verifier/checkProof.ts";
import { parseVerifierKey } from "../verifier/note.ts";
import { erasureOf } from "./covering.ts";
import { NotSignedYet, type ProvenHow, proveEvent } from "./proveEvent.ts";
import type { Proof } from "./shapes.ts";

/** The events that gave a message its texts, oldest first. */
export const versionsAmong = (events: readonly RecordedEvent[]): RecordedEvent[] =>
  events.filter(({ type }) => type === "MessageSent" || type === "MessageEdited");

/** The proof of one version, with the verdict that whoever checks it comes to. */
export async function proveMessage(
  event: RecordedEvent,
  parts: ServedLogParts,
  how: ProvenHow,
): Promise<Proof | Rejection> {
  try {
    const proven = await proveEvent(event, parts, how);
    const isGone = how.open && proven.opening.sealed?.mk === null;
    const erasure = isGone && event.sealed ? await erasureOf(parts, tenantOf(event), event.sealed.subject) : undefined;
    const coveredBy = erasure && (await proveEvent(erasure, parts, { open: false, forAuditor: false }));
    const said: Proof = { ...proven, verdict: isGone ? "erased" : "intact", ...(coveredBy ? { coveredBy } : {}) };
    const origin = originOf(parts.name, await parts.log.epoch());
    const keys = (await parts.signer.verifierKeys(origin)).map(parseVerifierKey);
    const { verdict } = await checkProof(JSON.stringify(said), keys);
    return { ...said, verdict };
  } catch (error) {
    if (error instanceof NotSignedYet)
      return { ...reject("unavailable", "no checkpoint holds this event yet: ask again"), retryAfterSeconds: 1 };
    if (error instanceof KeysUnavailable) return reject("unavailable", "the keys that open content do not answer now");
    throw error;
  }
}

const tenantOf = ({ stream }: RecordedEvent): string => stream.slice(0, stream.indexOf("/"));
