import { z } from "zod";
import { decodeFacts } from "../../domain/catalogue.ts";
import { parseStreamId } from "../../domain/ids.ts";
import { upcastContent } from "../../domain/upcasters.ts";
import { openWith } from "../../sealing/seal.ts";
import { ContentTampered } from "../../sealing/sealing.ts";
import type { ShownEvent } from "../verifier/streamEvidence.ts";
import { type Entry, entriesOf } from "./entry.ts";
import type { EvidenceAsked } from "./evidence.ts";
import type { Names } from "./names.ts";
import { type Content, openingsOf } from "./openings.ts";
import type { ExportParts } from "./parts.ts";
import { type ReadEvent, readEvents } from "./readEvents.ts";

const Meta = z.object({ actorId: z.string().nullable() });

/** What an event tells, from its facts and what opened of it: the same for who makes an archive and who checks it. */
export function entriesOfShown({
  stream,
  revision,
  recordedAt,
  type,
  version,
  data,
  meta,
  sealed,
}: ShownEvent): Entry[] {
  const facts = decodeFacts({ type, version, data });
  if (facts.type === "?") return [];
  const { actorId } = Meta.parse(JSON.parse(meta));
  const content = sealed && "content" in sealed ? upcastContent(type, version, sealed.content) : undefined;
  const { id: of } = parseStreamId(stream);
  return entriesOf({ ...facts, of, revision, recordedAt, actorId, state: sealed?.state ?? null, content });
}

/** What a stream tells, of what is shown of it; whoever is named is known by name then. */
export async function* entriesIn(
  parts: ExportParts,
  { stream, selection, upTo, signal }: Omit<EvidenceAsked, "size">,
  names: Names,
): AsyncGenerator<Entry> {
  for await (const batch of readEvents(parts.log, stream, upTo, signal)) {
    const contents = await openingsOf(parts, batch, selection);
    const entries = batch
      .filter(({ logged }) => selection.shows(logged))
      .flatMap((event) => entriesOfShown(shown(event, contents.get(event.recorded))));
    await names.load(entries);
    yield* entries;
  }
}

function shown({ recorded }: ReadEvent, content: Content | undefined): ShownEvent {
  const { stream, revision, recordedAt, id, type, version, data, meta, sealed } = recorded;
  const event = { stream, revision, index: 0, recordedAt, id, type, version, data, meta };
  if (!sealed || !content) return { ...event, sealed: null };
  const { subject, bucket } = sealed;
  const { state, mk } = content;
  if (!mk) return { ...event, sealed: { subject, bucket, state } };
  const plain = openWith(mk, { id, type, version, stream, subject, bucket }, sealed);
  if (!plain) throw new ContentTampered(`the sealed part of ${type} ${id} in ${stream} was altered`);
  return { ...event, sealed: { subject, bucket, state, content: JSON.parse(plain.toString("utf8")) } };
}
