import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** Too many passwords wait to be hashed. */
export class PasswordsBusy extends Error {
  override name = "PasswordsBusy";
}

export interface Passwords {
  /** Text that holds algorithm, parameters, salt and hash. @throws PasswordsBusy */
  hash(password: string): Promise<string>;
  /** Takes as long for an account that is not there (`undefined`) as for one that is. @throws PasswordsBusy */
  verify(password: string, stored: string | null | undefined): Promise<boolean>;
}

export interface PasswordSettings {
  /** log2 of scrypt's N; memory is 1 KiB × N, time doubles with each. */
  readonly cost?: number;
  /** Hashes computed at the same time. They share the thread pool with files and name look-ups. */
  readonly atOnce?: number;
  /** Hashes that may wait. */
  readonly queue?: number;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const STORED = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/;

interface Parameters {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

/** Passwords under scrypt, a bounded number at once so that a flood of sign-ins leaves the process responsive. @see RFC 7914 */
export function createPasswords({ cost = 15, atOnce = 2, queue = 200 }: PasswordSettings = {}): Passwords {
  const parameters: Parameters = { cost, blockSize: 8, parallelization: 1 };
  const dummySalt = randomBytes(SALT_BYTES);
  const waiting: (() => void)[] = [];
  let running = 0;

  async function derive(
    password: string,
    salt: Buffer,
    { cost, blockSize, parallelization }: Parameters,
  ): Promise<Buffer> {
    if (running < atOnce) running++;
    else if (waiting.length < queue) await new Promise<void>((resume) => waiting.push(resume));
    else throw new PasswordsBusy("too many sign-ins at once");
    try {
      const options = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: 256 * blockSize * 2 ** cost };
      return await new Promise<Buffer>((resolve, fail) => {
        scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? fail(error) : resolve(key)));
      });
    } finally {
      // The place passes to who waits longest, else it is free.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const key = await derive(password, salt, parameters);
      return ["scrypt", cost, 8, 1, salt.toString("base64"), key.toString("base64")].join("$");
    },
    async verify(password, stored) {
      const parts = stored ? STORED.exec(stored) : null;
      if (stored && !parts) throw new Error("a stored password hash is of no known form");
      const [, storedCost, blockSize, parallelization, salt, key] = parts ?? [];
      if (salt === undefined || key === undefined) {
        await derive(password, dummySalt, parameters);
        return false;
      }
      const expected = Buffer.from(key, "base64");
      const used = {
        cost: Number(storedCost),
        blockSize: Number(blockSize),
        parallelization: Number(parallelization),
      };
      return timingSafeEqual(await derive(password, Buffer.from(salt, "base64"), used), expected);
    },
  };
}
