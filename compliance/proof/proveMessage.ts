import { parseStreamId } from "../../domain/ids.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { RetentionUnderWay, retiring } from "../retention/retiring.ts";
import { originOf } from "../tlog/origin.ts";
import { checkProof } from "../verifier/checkProof.ts";
import { parseVerifierKey } from "../verifier/note.ts";
import { erasureOf, expiryOf } from "./covering.ts";
import type { ProofParts } from "./parts.ts";
import { heldKey, NotSignedYet, type ProvenHow, proveEvent } from "./proveEvent.ts";
import type { Proof } from "./shapes.ts";

/** The events that gave a message its texts, oldest first. */
export const versionsAmong = (events: readonly RecordedEvent[]): RecordedEvent[] =>
  events.filter(({ type }) => type === "MessageSent" || type === "MessageEdited");

/** The proof of one version, with the verdict that whoever checks it comes to. */
export async function proveMessage(
  event: RecordedEvent,
  parts: ProofParts,
  how: ProvenHow,
): Promise<Proof | Rejection> {
  try {
    const proven = await proveEvent(event, parts, how);
    const isGone = how.open !== "nothing" && proven.opening.sealed?.mk === null;
    const said: Proof = { ...proven, ...(isGone ? await goneBy(event, parts) : { verdict: "intact" }) };
    const origin = originOf(parts.name, await parts.log.epoch());
    const keys = (await parts.signer.verifierKeys(origin)).map(parseVerifierKey);
    const { verdict } = await checkProof(JSON.stringify(said), keys);
    return { ...said, verdict };
  } catch (error) {
    if (error instanceof NotSignedYet)
      return { ...reject("unavailable", "no checkpoint holds this event yet: ask again"), retryAfterSeconds: 1 };
    if (error instanceof RetentionUnderWay)
      return { ...reject("unavailable", `${error.message}: ask again`), retryAfterSeconds: 5 };
    if (error instanceof KeysUnavailable) return reject("unavailable", "the keys that open content do not answer now");
    throw error;
  }
}

/** Why its content is not to be had any more: it is held for others, or an erasure in the log took it. @throws RetentionUnderWay */
async function goneBy(event: RecordedEvent, parts: ProofParts): Promise<Pick<Proof, "verdict" | "coveredBy">> {
  if (await heldKey(event, parts)) return { verdict: "held" };
  const going = await retiring(parts.database, tenantOf(event));
  const erasure = event.sealed && (await erasureOf(parts, tenantOf(event), event.sealed.subject));
  const covering = erasure ?? (await expiryOf(parts, event));
  if (!covering && going.has(parseStreamId(event.stream).id))
    throw new RetentionUnderWay("its day is just going by retention");
  if (!covering) return { verdict: "erased" };
  return { verdict: "erased", coveredBy: await proveEvent(covering, parts, { open: "nothing", forAuditor: false }) };
}

const tenantOf = ({ stream }: RecordedEvent): string => stream.slice(0, stream.indexOf("/"));
