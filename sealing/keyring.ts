import { createSecretKey, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import { destroyed, KeysUnavailable, type SecretName, type SecretStore } from "../infra/ports/secrets.ts";
import { type ContentKeyName, contentKey, tenantOf } from "./contentKey.ts";
import type { ErasureLedger } from "./erasureLedger.ts";

/** A key that may be used, or the knowledge that it is gone. */
export type Held = KeyObject | typeof destroyed;

/** One line for a secret, so that it can be looked up. */
const lineOf = ({ tenant, of, bucket = "" }: SecretName): string => `${tenant}\n${of}\n${bucket}`;
const spoken = (line: string): string => line.trim().replaceAll("\n", " ");
const subjectLine = ({ stream, subject }: ContentKeyName): string => `${tenantOf(stream)}\n${subject}\n`;
const bucketLine = ({ stream, bucket }: ContentKeyName): string => `${tenantOf(stream)}\n${stream}\n${bucket}`;
const contentLine = ({ stream, subject, bucket }: ContentKeyName): string => `${subject}\n${stream}\n${bucket}`;

/** True where one of these secrets is a half of that content key. */
export const restsOn = (lines: ReadonlySet<string>, name: ContentKeyName): boolean =>
  lines.has(subjectLine(name)) || lines.has(bucketLine(name));

export interface KeyringSizes {
  /** Halves and tenant keys. */
  readonly secrets?: number;
  readonly contentKeys?: number;
}

/** Keys that were fetched are held here, bounded, for as long as the erasure ledger is followed. */
export interface Keyring {
  /**
   * Calls `use` with these keys, in the order asked, at a moment when they may be used; it must not wait for anything.
   * Asks nobody where all are held. `make`: halves that are missing are made; else their absence is KeysUnavailable.
   */
  using<T>(names: readonly ContentKeyName[], missing: "make" | "refuse", use: (keys: readonly Held[]) => T): Promise<T>;
  /** One secret alone, made if missing. */
  secret(name: SecretName): Promise<Held>;
  /** Drops what rests on these secrets, also where it is just being fetched. Gives their lines, for `restsOn`. */
  forget(names: readonly SecretName[]): ReadonlySet<string>;
  size(): number;
}

/** @throws KeysUnavailable whenever a key is needed and the store or its ledger does not answer */
export function createKeyring(
  store: SecretStore,
  ledger: Pick<ErasureLedger, "fresh" | "confirm">,
  { secrets: maxSecrets = 100_000, contentKeys: maxContentKeys = 100_000 }: KeyringSizes,
): Keyring {
  const secrets = new LRUCache<string, { held: Held }>({ max: maxSecrets });
  const contentKeys = new LRUCache<string, { name: ContentKeyName; key: KeyObject }>({ max: maxContentKeys });
  /** Of each fetch under way: what was destroyed since it began. */
  const underWay = new Set<Set<string>>();

  async function fetch(names: ReadonlyMap<string, SecretName>, missing: "make" | "refuse"): Promise<Map<string, Held>> {
    const lines = [...names.keys()];
    const wanted = [...names.values()];
    const answers = missing === "make" ? await store.ensure(wanted) : await store.get(wanted);
    return new Map(
      lines.map((line, at) => {
        const answer = answers[at];
        if (answer === undefined) throw new KeysUnavailable(`a secret that must be there is missing: ${spoken(line)}`);
        return [line, answer === destroyed ? destroyed : createSecretKey(answer)];
      }),
    );
  }

  /** Runs `use` on these secrets once they are here and the ledger is confirmed; nothing is awaited in between. */
  async function withSecrets<T>(
    names: ReadonlyMap<string, SecretName>,
    missing: "make" | "refuse",
    use: (secret: (line: string) => Held) => T,
  ): Promise<T> {
    const gone = new Set<string>();
    underWay.add(gone);
    try {
      const here = new Map<string, Held>();
      const lacking = new Map<string, SecretName>();
      for (const [line, name] of names) {
        const known = secrets.get(line);
        if (known) here.set(line, known.held);
        else lacking.set(line, name);
      }
      if (lacking.size > 0) for (const [line, held] of await fetch(lacking, missing)) here.set(line, held);
      if (!ledger.fresh()) await ledger.confirm();
      for (const line of gone) if (here.has(line)) here.set(line, destroyed);
      for (const [line, held] of here) secrets.set(line, { held });
      return use((line) => {
        const held = here.get(line);
        // Never to be taken for a secret that is gone.
        if (held === undefined) throw new KeysUnavailable(`a secret was not fetched: ${spoken(line)}`);
        return held;
      });
    } finally {
      underWay.delete(gone);
    }
  }

  function derive(name: ContentKeyName, subject: Held, bucket: Held): Held {
    if (subject === destroyed || bucket === destroyed) return destroyed;
    const line = contentLine(name);
    const known = contentKeys.get(line);
    if (known) return known.key;
    const key = contentKey(subject.export(), bucket.export(), name);
    contentKeys.set(line, { name, key });
    return key;
  }

  /** All of these keys, if they are held and may be used without asking anybody. */
  function heldNow(names: readonly ContentKeyName[]): KeyObject[] | undefined {
    if (!ledger.fresh()) return undefined;
    const keys: KeyObject[] = [];
    for (const name of names) {
      const known = contentKeys.get(contentLine(name));
      if (!known) return undefined;
      keys.push(known.key);
    }
    return keys;
  }

  return {
    async using(names, missing, use) {
      const held = heldNow(names);
      if (held) return use(held);
      const halves = new Map<string, SecretName>();
      for (const name of names) {
        const tenant = tenantOf(name.stream);
        halves.set(subjectLine(name), { tenant, of: name.subject });
        halves.set(bucketLine(name), { tenant, of: name.stream, bucket: name.bucket });
      }
      return withSecrets(halves, missing, (secret) =>
        use(names.map((name) => derive(name, secret(subjectLine(name)), secret(bucketLine(name))))),
      );
    },

    secret: (name) => withSecrets(new Map([[lineOf(name), name]]), "make", (secret) => secret(lineOf(name))),

    forget(names) {
      const lines = new Set(names.map(lineOf));
      if (lines.size === 0) return lines;
      for (const line of lines) {
        if (secrets.has(line)) secrets.set(line, { held: destroyed });
        for (const gone of underWay) gone.add(line);
      }
      for (const [line, { name }] of contentKeys.entries()) if (restsOn(lines, name)) contentKeys.delete(line);
      return lines;
    },

    size: () => secrets.size + contentKeys.size,
  };
}
