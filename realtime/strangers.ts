/** Sockets that nobody has signed in on yet: each address holds a few open, and no more. */
export class Strangers {
  readonly #addresses = new Map<object, string>();
  readonly #counts = new Map<string, number>();
  readonly #most: number;

  /** @param most from one address */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether no more may come from there now. */
  full(address: string): boolean {
    return this.#count(address) >= this.#most;
  }

  add(stranger: object, address: string): void {
    this.#addresses.set(stranger, address);
    this.#counts.set(address, this.#count(address) + 1);
  }

  /** Somebody signed in on it, or it is gone. */
  remove(stranger: object): void {
    const address = this.#addresses.get(stranger);
    if (address === undefined) return;
    this.#addresses.delete(stranger);
    const left = this.#count(address) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }

  #count(address: string): number {
    return this.#counts.get(address) ?? 0;
  }
}
