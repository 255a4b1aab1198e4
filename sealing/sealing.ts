import { createHmac, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { StreamId } from "../domain/ids.ts";
import { upcastContent } from "../domain/upcasters.ts";
import type { SealedContent } from "../infra/ports/eventLog.ts";
import { destroyed, type SecretName, type SecretStore } from "../infra/ports/secrets.ts";
import type { ContentKeyName } from "./contentKey.ts";
import { type ErasureLedgerSettings, followErasureLedger } from "./erasureLedger.ts";
import { createKeyring, type Held, type KeyringSizes, restsOn } from "./keyring.ts";
import { nonces } from "./nonces.ts";
import { type Bound, openingOf, openWith, sealUnder } from "./seal.ts";

/** What sealed it was destroyed: nothing can be sealed for this person, stream and day any more. */
export class ContentErased extends Error {
  override name = "ContentErased";
}

/** What lies in the log is not what was sealed there. */
export class ContentTampered extends Error {
  override name = "ContentTampered";
}

export interface ToSeal extends Bound {
  /** Whatever JSON can hold. */
  readonly content: unknown;
}

export interface ToOpen {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly stream: StreamId;
  readonly sealed: SealedContent;
}

export type Opened = { readonly state: "readable"; readonly content: unknown } | { readonly state: "erased" };

/**
 * Personal content, sealed and opened. A key that is held here is used only while the erasure ledger is followed, so
 * an erasure is effective everywhere within five seconds.
 * @throws KeysUnavailable from every method when a key is needed and the key store does not answer; never for erased
 */
export interface Sealing {
  /** In the order given. Secrets that are missing are made, and durable before this resolves. @throws ContentErased */
  seal(what: readonly ToSeal[]): Promise<SealedContent[]>;
  /** Makes and fetches these keys together, so that sealing under each soon asks nobody. */
  prepare(keys: readonly ContentKeyName[]): Promise<void>;
  /** In the order given. @throws ContentTampered naming the event that does not authenticate */
  open(what: readonly ToOpen[]): Promise<Opened[]>;
  /** HMAC-SHA-256 under a content key, made if missing: 32 bytes. Undefined once that key is destroyed. */
  hashUnder(key: ContentKeyName, bytes: Uint8Array): Promise<Uint8Array | undefined>;
  /** The event's opening (64 bytes), for a proof or an export: it opens this event and no other. Undefined once erased. */
  opening(what: ToOpen): Promise<Uint8Array | undefined>;
  /** The same of many, in the order given. */
  openings(what: readonly ToOpen[]): Promise<(Uint8Array | undefined)[]>;
  /** A keyed hash to find a name by that is kept sealed, 32 bytes. */
  lookupHash(tenant: string, purpose: "username", value: string): Promise<Uint8Array>;
  /** A key of the whole tenant (32 bytes), such as `tag` or `salt`; made if missing. @throws ContentErased */
  tenantKey(tenant: string, purpose: string): Promise<Uint8Array>;
  /**
   * Destroys secrets for ever, but for what holds keep; at once in this process. Gives the ledger's new head.
   * @param authors whose content may lie in the buckets that go: a hold may need to know
   */
  destroy(names: readonly SecretName[], authors?: readonly string[]): Promise<number>;
}

export interface SealingParts {
  readonly secrets: SecretStore;
  /** A clock that is never set back, in ms, for the age of a confirmation; `performance.now` where none is given. */
  readonly steadyNow?: () => number;
  readonly ledger?: ErasureLedgerSettings;
  readonly sizes?: KeyringSizes & {
    /** Opened contents that are kept. */
    readonly opened?: number;
    /** Bytes that they may take together. */
    readonly openedBytes?: number;
  };
}

interface Kept {
  readonly bound: Bound;
  /** As text, since a small buffer would keep alive the slab that it was cut from. */
  readonly commitment: string;
  /** JSON: parsed anew for each reader, so that none can alter what another gets. */
  readonly text: string;
}

/** What an entry takes beside its text, about. */
const ENTRY_BYTES = 600;

const boundOf = ({ id, type, version, stream, sealed: { subject, bucket } }: ToOpen): Bound => ({
  id,
  type,
  version,
  stream,
  subject,
  bucket,
});

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/** An id alone does not tell one sealing from another: a command that failed may have been sealed twice. */
const isThisOne = ({ bound, commitment }: Kept, { type, version, stream, sealed }: ToOpen): boolean =>
  bound.type === type &&
  bound.version === version &&
  bound.stream === stream &&
  bound.subject === sealed.subject &&
  bound.bucket === sealed.bucket &&
  commitment === textOf(sealed.commitment);

/** In the form of today's version, whatever version it was written in. */
const readable = ({ type, version }: Pick<ToOpen, "type" | "version">, text: string): Opened => ({
  state: "readable",
  content: upcastContent(type, version, JSON.parse(text)),
});

export interface RunningSealing extends Sealing {
  /** Goes on following the erasure ledger by itself, so that no call has to wait for it. @throws KeysUnavailable */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What its bounded caches hold. */
  held(): { readonly keys: number; readonly opened: number; readonly openedBytes: number };
}

export function createSealing(parts: SealingParts): RunningSealing {
  const { secrets, steadyNow = () => performance.now(), sizes = {} } = parts;
  const opened = new LRUCache<string, Kept>({
    max: sizes.opened ?? 50_000,
    maxSize: sizes.openedBytes ?? 64 * 1024 * 1024,
    sizeCalculation: ({ text }) => ENTRY_BYTES + 2 * text.length,
  });
  const forget = (names: readonly SecretName[]) => {
    const lines = keyring.forget(names);
    if (lines.size === 0) return;
    for (const [id, { bound }] of opened.entries()) if (restsOn(lines, bound)) opened.delete(id);
  };
  const ledger = followErasureLedger(secrets, steadyNow, forget, parts.ledger ?? {});
  const keyring = createKeyring(secrets, ledger, sizes);
  const nextNonce = nonces();

  function sealOne(
    { id, type, version, stream, subject, bucket, content }: ToSeal,
    key: Held | undefined,
  ): SealedContent {
    const bound = { id, type, version, stream, subject, bucket };
    if (key === undefined || key === destroyed)
      throw new ContentErased(`the keys of ${bound.subject} in ${bound.stream}, ${bound.bucket}, were destroyed`);
    const text = JSON.stringify(content);
    const sealed = sealUnder(key, bound, Buffer.from(text, "utf8"), nextNonce());
    opened.set(bound.id, { bound, commitment: textOf(sealed.commitment), text });
    return sealed;
  }

  function openOne(one: ToOpen, key: KeyObject): string {
    const { sealed } = one;
    const bound = boundOf(one);
    const plain = openWith(openingOf(key, sealed.nonce), bound, sealed);
    if (!plain)
      throw new ContentTampered(`the sealed part of ${bound.type} ${bound.id} in ${bound.stream} was altered`);
    const text = plain.toString("utf8");
    opened.set(bound.id, { bound, commitment: textOf(sealed.commitment), text });
    return text;
  }

  const keptOf = (one: ToOpen): string | undefined => {
    const kept = opened.get(one.id);
    return kept && isThisOne(kept, one) ? kept.text : undefined;
  };

  const openings = (what: readonly ToOpen[]) =>
    keyring.using(what.map(boundOf), "refuse", (keys) =>
      what.map(({ sealed: { nonce } }, at) => {
        const key = keys[at];
        return key === undefined || key === destroyed ? undefined : openingOf(key, nonce);
      }),
    );

  async function tenantKey(tenant: string, purpose: string): Promise<KeyObject> {
    const key = await keyring.secret({ tenant, of: `${purpose}-key` });
    if (key === destroyed) throw new ContentErased(`the ${purpose} key of the tenant ${tenant} was destroyed`);
    return key;
  }

  return {
    seal: (what) => keyring.using(what, "make", (keys) => what.map((one, at) => sealOne(one, keys[at]))),

    prepare: (names) => keyring.using(names, "make", () => undefined),

    async open(what) {
      if (!ledger.fresh()) await ledger.confirm();
      const kept = what.flatMap((one) => {
        const text = keptOf(one);
        return text === undefined ? [] : [{ one, text }];
      });
      if (kept.length === what.length) return kept.map(({ one, text }) => readable(one, text));
      return keyring.using(what.map(boundOf), "refuse", (keys) =>
        what.map((one, at) => {
          const key = keys[at];
          if (key === undefined || key === destroyed) return { state: "erased" };
          return readable(one, keptOf(one) ?? openOne(one, key));
        }),
      );
    },

    hashUnder: (name, bytes) =>
      keyring.using([name], "make", ([key]) =>
        key === undefined || key === destroyed ? undefined : createHmac("sha256", key).update(bytes).digest(),
      ),

    opening: async (what) => (await openings([what]))[0],
    openings,

    async lookupHash(tenant, purpose, value) {
      return createHmac("sha256", await tenantKey(tenant, purpose))
        .update(value)
        .digest();
    },

    tenantKey: async (tenant, purpose) => Uint8Array.from((await tenantKey(tenant, purpose)).export()),

    async destroy(names, authors) {
      const head = await secrets.destroy(names, authors);
      forget(names);
      return head;
    },

    start: ledger.start,
    stop: ledger.stop,
    held: () => ({ keys: keyring.size(), opened: opened.size, openedBytes: opened.calculatedSize }),
  };
}
