import type { StreamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { commitmentsOf, linkSaltOf, saltOf, type TenantKeys, tagOf } from "../tlog/commitments.ts";
import { entriesAt, type Placed } from "../tlog/events.ts";
import { keysOfStream } from "../tlog/tenantKeys.ts";
import { inclusionsProof } from "../tlog/tree.ts";
import { type Content, openingsOf } from "./openings.ts";
import type { ExportParts } from "./parts.ts";
import { readEvents } from "./readEvents.ts";
import type { Selection } from "./selection.ts";

/** What of a stream an archive holds, in numbers. */
export interface StreamCounts {
  events: number;
  shown: number;
  withheld: number;
  readable: number;
  held: number;
  erased: number;
  closed: number;
  /** Of its last event, in the verifiable log. */
  lastIndex: number;
}

export const nothingYet = (): StreamCounts => ({
  events: 0,
  shown: 0,
  withheld: 0,
  readable: 0,
  held: 0,
  erased: 0,
  closed: 0,
  lastIndex: -1,
});

/** Leaves that one proof is made for at most: so neither side holds more. */
const PROVEN_AT_ONCE = 4_096;

export interface EvidenceAsked {
  readonly stream: StreamId;
  readonly selection: Selection;
  /** The last position that is in the archive, under a checkpoint of so many entries. */
  readonly upTo: number;
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Told of whose content is gone. */
export type OnErased = (subject: string) => void;

/**
 * The evidence of a stream, a line a revision, with lines between that prove those before. `counts` is filled meanwhile.
 * @see StreamEvidence, which checks it
 * @throws KeysUnavailable, LogUnavailable, UnreadableForExport
 */
export async function* evidenceOf(
  parts: ExportParts,
  { stream, selection, upTo, size, signal }: EvidenceAsked,
  counts: StreamCounts,
  onErased: OnErased,
): AsyncGenerator<string> {
  const keys = await keysOfStream(parts.sealing, stream);
  let pending: number[] = [];
  const prove = async () => {
    const proof = await inclusionsProof(parts.database, pending, size);
    pending = [];
    return `${JSON.stringify({ proof: proof.map(base64) })}\n`;
  };
  for await (const batch of readEvents(parts.log, stream, upTo, signal)) {
    const places = await entriesAt(
      parts.database,
      batch.map(({ recorded }) => recorded.position),
    );
    const sealed = await openingsOf(parts, batch, selection);
    let text = "";
    for (const { recorded, logged } of batch) {
      const place = places.get(recorded.position);
      if (!place) throw new Error(`position ${recorded.position} is in no entry of the verifiable log`);
      counts.events++;
      counts.lastIndex = place.index;
      if (selection.shows(logged)) {
        const content = sealed.get(recorded) ?? null;
        counts.shown++;
        if (content) counts[content.state]++;
        if (content?.state === "erased" && recorded.sealed) onErased(recorded.sealed.subject);
        // The link to the revision before vouches for that one.
        if (recorded.revision > 0) pending.pop();
        text += shownLine(recorded, place, keys, content);
      } else {
        counts.withheld++;
        text += withheldLine(recorded, place, keys);
      }
      pending.push(place.index);
      if (pending.length >= PROVEN_AT_ONCE) text += await prove();
    }
    yield text;
  }
  if (pending.length > 0) yield await prove();
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

function shownLine(event: RecordedEvent, { index, link }: Placed, keys: TenantKeys, content: Content | null): string {
  const { id, type, version, revision, recordedAt, data, meta, sealed } = event;
  return `${JSON.stringify({
    revision,
    index,
    recordedAt: new Date(recordedAt).toISOString(),
    id,
    type,
    version,
    data,
    meta,
    sealed: sealed &&
      content && {
        subject: sealed.subject,
        bucket: sealed.bucket,
        state: content.state,
        commitment: base64(sealed.commitment),
        nonce: base64(sealed.nonce),
        ciphertext: base64(sealed.ciphertext),
        mk: content.mk && base64(content.mk),
      },
    tag: base64(tagOf(keys, event.stream, revision)),
    salt: base64(saltOf(keys, id)),
    link: base64(link),
    linkSalt: base64(linkSaltOf(keys, id)),
  })}\n`;
}

function withheldLine(event: RecordedEvent, { index, link }: Placed, keys: TenantKeys): string {
  const { tag, payloadCommit, metaCommit } = commitmentsOf(event, keys, link);
  return `${JSON.stringify({
    revision: event.revision,
    index,
    tag: base64(tag),
    payloadCommit: base64(payloadCommit),
    metaCommit: base64(metaCommit),
  })}\n`;
}
