import { equal, fromBase64 } from "./bytes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { entryBytes, linkOf, metaCommit, payloadCommit } from "./entry.ts";
import { bytes, type Fields, fieldsOf, milliseconds, text, whole } from "./fields.ts";
import { type PlacedLeaf, rootByInclusions } from "./inclusions.ts";
import { leafHash } from "./merkle.ts";
import { openSealed } from "./opening.ts";

/** What does not fit in the evidence of a stream; says which revision. */
export class EvidenceFault extends Error {
  override name = "EvidenceFault";
}

/** Why sealed content is there or not: `closed` is what this archive does not open, though it could be. */
export type ContentState = "readable" | "held" | "erased" | "closed";

/** An event as the log committed to it, once it was checked. */
export interface ShownEvent {
  readonly stream: string;
  readonly revision: number;
  /** Its entry in the verifiable log. */
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** JSON, as stored. */
  readonly data: string;
  readonly meta: string;
  readonly sealed: {
    readonly subject: string;
    readonly bucket: string;
    readonly state: ContentState;
    /** What was sealed, where it is opened here. */
    readonly content?: unknown;
  } | null;
}

/** One that is accounted for by its hashes alone. */
interface WithheldEvent {
  readonly revision: number;
  readonly index: number;
}

export type CheckedLine =
  | { readonly is: "shown"; readonly event: ShownEvent }
  | { readonly is: "withheld"; readonly event: WithheldEvent }
  | { readonly is: "proof" };

const NO_LEAF = new Uint8Array(32);
const STATES: readonly ContentState[] = ["readable", "held", "erased", "closed"];

/**
 * Checks the evidence of one stream line by line: each event that is shown names the leaf of the one before it, and what
 * no later event names is in the tree of the checkpoint. So no revision can be taken out, put in, moved or altered.
 * @see docs/export.md
 */
export class StreamEvidence {
  readonly #stream: string;
  readonly #checkpoint: Checkpoint;
  #next = 0;
  #last: PlacedLeaf = { index: -1, leaf: NO_LEAF };
  /** Leaves that nothing leads to the root yet. */
  #pending: PlacedLeaf[] = [];

  constructor(stream: string, checkpoint: Checkpoint) {
    this.#stream = stream;
    this.#checkpoint = checkpoint;
  }

  /** @throws EvidenceFault */
  async take(line: string): Promise<CheckedLine> {
    try {
      const fields = fieldsOf(JSON.parse(line), "the line");
      if (fields.has("proof")) return this.#prove(fields);
      const revision = whole(fields, "revision");
      const index = whole(fields, "index");
      if (revision !== this.#next) throw this.#fault(`revision ${revision} follows where ${this.#next} is due`);
      if (index <= this.#last.index) throw this.#fault("its entry lies before that of the revision before it");
      const isShown = fields.has("data");
      const checked: CheckedLine = isShown
        ? { is: "shown", event: await this.#shown(fields, revision, index) }
        : { is: "withheld", event: { revision, index } };
      if (!isShown) this.#keep(index, fields, bytes(fields, "payloadCommit", 32), bytes(fields, "metaCommit", 32));
      this.#next++;
      return checked;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError)
        throw this.#fault(`the line is not of its form: ${error.message}`);
      throw error;
    }
  }

  /** How many events there were. @throws EvidenceFault where the last of them are not proven */
  end(): number {
    if (this.#pending.length > 0) throw this.#fault("the evidence breaks off: what lies before is under no proof");
    return this.#next;
  }

  #fault(what: string): EvidenceFault {
    return new EvidenceFault(`${this.#stream}, at revision ${this.#next}: ${what}`);
  }

  #keep(index: number, fields: Fields, payload: Uint8Array, meta: Uint8Array): void {
    const entry = entryBytes({ index, tag: bytes(fields, "tag", 32), payloadCommit: payload, metaCommit: meta });
    this.#last = { index, leaf: leafHash(entry) };
    this.#pending.push(this.#last);
  }

  async #shown(fields: Fields, revision: number, index: number): Promise<ShownEvent> {
    const [link, linkSalt] = [bytes(fields, "link", 32), bytes(fields, "linkSalt", 32)];
    if (!equal(linkOf(linkSalt, this.#last.leaf), link))
      throw this.#fault("it does not follow from the revision before it: one of the two was altered");
    // Whoever names the leaf before vouches for it.
    if (this.#pending.at(-1) === this.#last) this.#pending.pop();
    const [id, type, version] = [text(fields, "id"), text(fields, "type"), whole(fields, "version")];
    const [data, meta] = [text(fields, "data"), text(fields, "meta")];
    const recordedAt = milliseconds(fields, "recordedAt");
    const sealed = fields.get("sealed");
    const bound = { id, type, version, stream: this.#stream };
    const opened = sealed === null ? undefined : await this.#sealedOf(fieldsOf(sealed, "sealed"), bound);
    const commit = metaCommit({
      salt: bytes(fields, "salt", 32),
      link,
      revision,
      recordedAt,
      stream: this.#stream,
      event: { id, type, version },
      data,
      meta,
    });
    this.#keep(index, fields, opened?.commit ?? payloadCommit(null), commit);
    const event = { ...bound, revision, index, recordedAt, data, meta };
    return { ...event, sealed: opened?.sealed ?? null };
  }

  async #sealedOf(
    fields: Fields,
    { id, type, version, stream }: Pick<ShownEvent, "id" | "type" | "version" | "stream">,
  ) {
    const [subject, bucket, said] = [text(fields, "subject"), text(fields, "bucket"), text(fields, "state")];
    const state = STATES.find((known) => known === said);
    if (!state) throw new SyntaxError(`${said} is no state of content`);
    const sealed = {
      commitment: bytes(fields, "commitment", 32),
      nonce: bytes(fields, "nonce", 12),
      ciphertext: bytes(fields, "ciphertext"),
      aad: JSON.stringify(["scripta/aad/v1", id, type, version, stream, subject, bucket]),
    };
    const commit = payloadCommit(sealed);
    if (fields.get("mk") === null) {
      if (state === "readable") throw this.#fault("its content is said to be readable, and nothing opens it");
      return { commit, sealed: { subject, bucket, state } };
    }
    if (state === "erased" || state === "closed")
      throw this.#fault(`its content is said to be ${state}, and is opened`);
    const content = await openSealed(bytes(fields, "mk", 64), sealed);
    if (content === undefined) throw this.#fault("its opening does not open what was sealed");
    return { commit, sealed: { subject, bucket, state, content } };
  }

  #prove(fields: Fields): CheckedLine {
    const hashes = fields.get("proof");
    if (!Array.isArray(hashes)) throw new SyntaxError("proof is no list");
    const proof = hashes.map((hash: unknown) => fromBase64(typeof hash === "string" ? hash : "?"));
    if (proof.some(({ length }) => length !== 32)) throw new SyntaxError("a hash of the proof has not 32 bytes");
    const { size, root } = this.#checkpoint;
    const found = rootByInclusions(this.#pending, size, proof);
    if (!found || !equal(found, root))
      throw this.#fault(
        "what lies before is not in the tree of the checkpoint: an event, its place or the proof was altered",
      );
    this.#pending = [];
    return { is: "proof" };
  }
}
