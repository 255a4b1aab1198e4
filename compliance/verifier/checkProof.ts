import { equal } from "./bytes.ts";
import { type Checkpoint, CheckpointNotSigned, openCheckpoint } from "./checkpoint.ts";
import { type Cosigner, cosignersOf } from "./cosignature.ts";
import { linkOf, metaCommit, parseEntry, payloadCommit } from "./entry.ts";
import { includes, leafHash } from "./merkle.ts";
import type { VerifierKey } from "./note.ts";
import { openSealed } from "./opening.ts";
import { type EntryOpening, type ProvenEntry, parseProofDocument } from "./proofDocument.ts";
import { parseTlogProof } from "./tlogProof.ts";

/** What one event was, as the log committed to it. */
export interface LoggedFact {
  readonly index: number;
  readonly checkpoint: Checkpoint;
  /** The witnesses, of those that were asked about, who cosigned that checkpoint. */
  readonly cosigners: readonly Cosigner[];
  readonly opening: EntryOpening;
}

export type Verdict =
  /** It was in the log as it is here. `content`: what was sealed, where the proof opens it. */
  | ({ readonly verdict: "intact"; readonly content?: unknown } & LoggedFact)
  /** It was in the log; its content is gone, by an erasure or a retention that is in the log, too. */
  | ({ readonly verdict: "erased"; readonly by: LoggedFact } & LoggedFact)
  /** It was in the log; the server says that a hold keeps its content for others than the asker. */
  | ({ readonly verdict: "held" } & LoggedFact)
  | { readonly verdict: "tampered"; readonly why: string };

/** Something does not fit. */
class Unfit extends Error {
  override name = "Unfit";
}

/**
 * Checks a proof offline, by nothing but the log's verifier keys: what the server said of it counts for nothing.
 * @param json as `GET …/messages/{messageId}/proof` answers
 * @param witnesses whose cosignatures are looked for; how many it takes is for the asker to say
 */
export async function checkProof(
  json: string,
  keys: readonly VerifierKey[],
  witnesses: readonly VerifierKey[] = [],
): Promise<Verdict> {
  try {
    const document = parseProofDocument(json);
    const fact = await loggedFact(document, keys, witnesses);
    const { sealed } = fact.opening;
    if (!sealed) return { verdict: "intact", ...fact };
    if (sealed.mk) {
      const content = await openSealed(sealed.mk, sealed);
      if (content === undefined) throw new Unfit("the opening does not open what was sealed");
      return { verdict: "intact", content, ...fact };
    }
    if (document.coveredBy) {
      const by = await loggedFact(document.coveredBy, keys, witnesses);
      if (!covers(by, fact)) throw new Unfit("the erasure or retention that is named does not cover this event");
      return { verdict: "erased", by, ...fact };
    }
    if (document.verdict === "erased")
      throw new Unfit("it is said to be erased, and no erasure or retention in the log is shown that covers it");
    return { verdict: document.verdict === "held" ? "held" : "intact", ...fact };
  } catch (error) {
    if (error instanceof Unfit || error instanceof SyntaxError || error instanceof CheckpointNotSigned)
      return { verdict: "tampered", why: error.message };
    throw error;
  }
}

/** @throws Unfit, SyntaxError, CheckpointNotSigned */
async function loggedFact(
  { proof, entry, opening }: ProvenEntry,
  keys: readonly VerifierKey[],
  witnesses: readonly VerifierKey[],
): Promise<LoggedFact> {
  const { index, path, checkpoint: note } = parseTlogProof(proof);
  const checkpoint = await openCheckpoint(note, keys);
  if (!includes(leafHash(entry), index, checkpoint.size, path, checkpoint.root))
    throw new Unfit(
      "the entry is not in the tree of the checkpoint: the entry, its index or a hash of the proof was altered",
    );
  const said = parseEntry(entry);
  if (said.index !== index) throw new Unfit("the entry says another index than the proof");
  if (!equal(metaCommit(opening), said.metaCommit))
    throw new Unfit(
      "the event's facts (stream, revision, time, id, type, data, meta, salt or link) are not those that were logged",
    );
  if (!equal(payloadCommit(opening.sealed), said.payloadCommit))
    throw new Unfit("the sealed content is not the one that was logged");
  const { prevLeaf, linkSalt, link } = opening;
  if (prevLeaf && linkSalt && !equal(linkOf(linkSalt, prevLeaf), link))
    throw new Unfit("the event does not follow the one that is named before it");
  boundTo(opening);
  return { index, checkpoint, cosigners: await cosignersOf(note, witnesses), opening };
}

/** Whose content it is, and of which day: what the sealing is bound to. */
function boundTo({ sealed, event, stream }: EntryOpening): { author: string; bucket: string } | undefined {
  if (!sealed) return undefined;
  const bound: unknown = JSON.parse(sealed.aad);
  if (!Array.isArray(bound)) throw new Unfit("the sealed content is bound to nothing");
  const [label, id, type, version, of, author, bucket]: unknown[] = bound;
  const fits =
    label === "scripta/aad/v1" && id === event.id && type === event.type && version === event.version && of === stream;
  if (!fits || typeof author !== "string" || typeof bucket !== "string")
    throw new Unfit("the sealed content is bound to another event");
  return { author, bucket };
}

const tenantOf = (stream: string): string => stream.slice(0, stream.indexOf("/"));

/** An erasure covers what its person wrote; a retention what was sealed on its days in its conversation. */
function covers({ opening: by }: LoggedFact, { opening }: LoggedFact): boolean {
  const bound = boundTo(opening);
  const data: unknown = JSON.parse(by.data);
  if (!bound || typeof data !== "object" || data === null) return false;
  if (by.event.type === "ErasureRequested")
    return (
      by.stream.startsWith(`${tenantOf(opening.stream)}/compliance-`) &&
      "userId" in data &&
      data.userId === bound.author
    );
  if (by.event.type !== "MessagesExpired" || by.stream !== opening.stream) return false;
  return "stream" in data && data.stream === opening.stream && "days" in data && namesDay(data.days, bound.bucket);
}

const namesDay = (days: unknown, day: string): boolean => Array.isArray(days) && days.includes(day);
