import { randomBytes } from "node:crypto";
import { destroyed, type SecretName, type SecretStore } from "../ports/secrets.ts";

const keyOf = ({ tenant, of, bucket }: SecretName): string => JSON.stringify([tenant, of, bucket]);

/** Secrets that live as long as the process, for tests. */
export function memorySecretStore(): SecretStore {
  const secrets = new Map<string, Uint8Array | typeof destroyed>();
  const ledger: SecretName[] = [];
  const copy = (secret: Uint8Array | typeof destroyed) => (secret === destroyed ? destroyed : Uint8Array.from(secret));
  return {
    async ensure(names) {
      return names.map((name) => {
        const secret = secrets.get(keyOf(name)) ?? Uint8Array.from(randomBytes(32));
        secrets.set(keyOf(name), secret);
        return copy(secret);
      });
    },
    async get(names) {
      return names.map((name) => {
        const secret = secrets.get(keyOf(name));
        return secret === undefined ? undefined : copy(secret);
      });
    },
    async destroy(names) {
      for (const name of names) {
        if (secrets.get(keyOf(name)) === destroyed) continue;
        secrets.set(keyOf(name), destroyed);
        ledger.push(name);
      }
      return ledger.length;
    },
    async ledger(after) {
      return { head: ledger.length, destroyed: ledger.slice(after) };
    },
  };
}
