import { createSecretKey } from "node:crypto";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { openingOf } from "../../sealing/seal.ts";
import type { ToOpen } from "../../sealing/sealing.ts";
import type { ContentState } from "../verifier/streamEvidence.ts";
import type { ExportParts } from "./parts.ts";
import type { ReadEvent } from "./readEvents.ts";
import type { Selection } from "./selection.ts";

/** Of one event. */
export interface Content {
  readonly state: ContentState;
  readonly mk: Uint8Array | null;
}

/** How the content of what is shown opens, or why it does not. @throws KeysUnavailable */
export async function openingsOf(
  parts: ExportParts,
  batch: readonly ReadEvent[],
  selection: Selection,
): Promise<Map<RecordedEvent, Content>> {
  const found = new Map<RecordedEvent, Content>();
  const wanted: (ToOpen & { recorded: RecordedEvent })[] = [];
  for (const { recorded, logged } of batch) {
    if (!recorded.sealed || !selection.shows(logged)) continue;
    if (selection.opens(logged)) wanted.push({ ...recorded, sealed: recorded.sealed, recorded });
    else found.set(recorded, { state: "closed", mk: null });
  }
  const openings = wanted.length > 0 ? await parts.sealing.openings(wanted) : [];
  const gone: typeof wanted = [];
  for (const [at, one] of wanted.entries()) {
    const mk = openings[at];
    if (mk) found.set(one.recorded, { state: "readable", mk });
    else gone.push(one);
  }
  const [first] = gone;
  if (!first) return found;
  const names = gone.map(({ stream, sealed: { subject, bucket } }) => ({ stream, subject, bucket }));
  const kept = await parts.holds.heldKeys(first.stream.slice(0, first.stream.indexOf("/")), names);
  for (const [at, { recorded, sealed }] of gone.entries()) {
    const key = kept[at];
    const mk = key && selection.opensHeld ? openingOf(createSecretKey(key), sealed.nonce) : null;
    found.set(recorded, { state: key ? "held" : "erased", mk });
  }
  return found;
}
