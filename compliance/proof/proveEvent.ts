import { createSecretKey } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { additionalData, openingOf } from "../../sealing/seal.ts";
import { commitmentsOf, linkSaltOf, saltOf } from "../tlog/commitments.ts";
import { checkpointOver } from "../tlog/cosignatures.ts";
import { entriesAt, eventOf, type Placed } from "../tlog/events.ts";
import { originOf } from "../tlog/origin.ts";
import { keysOfStream } from "../tlog/tenantKeys.ts";
import { inclusionProof } from "../tlog/tree.ts";
import { entryBytes } from "../verifier/entry.ts";
import { tlogProofText } from "../verifier/tlogProof.ts";
import type { ProofParts } from "./parts.ts";
import type { Opening, ProvenEvent } from "./shapes.ts";

/** The event is committed, and no checkpoint holds it yet. */
export class NotSignedYet extends Error {
  override name = "NotSignedYet";
}

export interface ProvenHow {
  /** `held`: also what a legal hold alone still keeps; `nothing`: the sealed content stays closed. */
  readonly open: "held" | "readable" | "nothing";
  /** With what shows which event it follows. */
  readonly forAuditor: boolean;
}

const SIGNED_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 50;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** @throws NotSignedYet, KeysUnavailable */
export async function proveEvent(event: RecordedEvent, parts: ProofParts, how: ProvenHow): Promise<ProvenEvent> {
  const { place, checkpoint } = await signedPlace(event.position, parts);
  const keys = await keysOfStream(parts.sealing, event.stream);
  const path = await inclusionProof(parts.database, place.index, checkpoint.size);
  const entry = entryBytes({ index: place.index, ...commitmentsOf(event, keys, place.link) });
  return {
    proof: tlogProofText({ index: place.index, path, checkpoint: checkpoint.note }),
    entry: base64(entry),
    opening: {
      stream: event.stream,
      revision: event.revision,
      recordedAt: new Date(event.recordedAt).toISOString(),
      link: base64(place.link),
      salt: base64(saltOf(keys, event.id)),
      event: { id: event.id, type: event.type, version: event.version },
      data: event.data,
      meta: event.meta,
      sealed: await sealedOf(event, parts, how.open),
      ...(how.forAuditor
        ? { prevLeaf: base64(await prevLeafOf(event, parts)), linkSalt: base64(linkSaltOf(keys, event.id)) }
        : {}),
    },
  };
}

async function sealedOf(event: RecordedEvent, parts: ProofParts, open: ProvenHow["open"]): Promise<Opening["sealed"]> {
  const { sealed } = event;
  if (!sealed) return null;
  const { subject, bucket, commitment, nonce, ciphertext } = sealed;
  const mk = await mkOf({ ...event, sealed }, parts, open);
  return {
    commitment: base64(commitment),
    nonce: base64(nonce),
    ciphertext: base64(ciphertext),
    aad: additionalData({ ...event, subject, bucket }).toString("utf8"),
    mk: mk ? base64(mk) : null,
  };
}

/** The key that holds keep of this event's content, where its own is destroyed. */
export async function heldKey(
  { stream, sealed }: RecordedEvent,
  { holds }: ProofParts,
): Promise<Uint8Array | undefined> {
  if (!sealed) return undefined;
  const { subject, bucket } = sealed;
  const tenant = stream.slice(0, stream.indexOf("/"));
  const [key] = await holds.heldKeys(tenant, [{ stream, subject, bucket }]);
  return key;
}

async function mkOf(
  event: RecordedEvent & { readonly sealed: NonNullable<RecordedEvent["sealed"]> },
  parts: ProofParts,
  open: ProvenHow["open"],
): Promise<Uint8Array | undefined> {
  if (open === "nothing") return undefined;
  const mk = await parts.sealing.opening(event);
  if (mk || open === "readable") return mk;
  const key = await heldKey(event, parts);
  return key && openingOf(createSecretKey(key), event.sealed.nonce);
}

async function prevLeafOf({ stream, revision }: RecordedEvent, { log, database }: ProofParts): Promise<Uint8Array> {
  const before = revision === 0 ? undefined : await eventOf(log, stream, revision - 1);
  const place = before && (await entriesAt(database, [before.position])).get(before.position);
  return place?.leaf ?? new Uint8Array(32);
}

/** Where the event is in the tree, and a checkpoint that holds it: what was committed just now is waited for. @throws NotSignedYet */
export async function signedPlace(
  position: number,
  { log, database, name }: Pick<ProofParts, "log" | "database" | "name">,
  withinMs = SIGNED_WITHIN_MS,
) {
  const origin = originOf(name, await log.epoch());
  const until = Date.now() + withinMs;
  for (let place: Placed | undefined; ; ) {
    place ??= (await entriesAt(database, [position])).get(position);
    const checkpoint = place && (await checkpointOver(database, origin, place.index));
    if (place && checkpoint) return { place, checkpoint };
    if (Date.now() > until) throw new NotSignedYet(`position ${position} is under no checkpoint yet`);
    await pause(LOOK_EVERY_MS);
  }
}
