/** What the rules of a conversation need to know of each of its messages: 37 bytes, found by its `seq`. */
export class Messages {
  #ids = Buffer.alloc(16 * 64);
  #authors = Buffer.alloc(16 * 64);
  /** Days since 1970 of their buckets. */
  #days = new Int32Array(64);
  #deleted = new Uint8Array(64);
  #count = 0;

  get lastSeq(): number {
    return this.#count;
  }

  add(id: string, author: string, day: number): void {
    if (this.#count === this.#deleted.length) this.#grow();
    const at = this.#count++;
    this.#ids.write(hexOf(id), 16 * at, "hex");
    this.#authors.write(hexOf(author), 16 * at, "hex");
    this.#days[at] = day;
  }

  /** The message that has this `seq`; undefined where there is none yet. */
  at(
    seq: number,
  ): { readonly id: string; readonly author: string; readonly day: number; readonly deleted: boolean } | undefined {
    const at = seq - 1;
    if (at < 0 || at >= this.#count) return undefined;
    return {
      id: uuidOf(this.#ids.toString("hex", 16 * at, 16 * at + 16)),
      author: uuidOf(this.#authors.toString("hex", 16 * at, 16 * at + 16)),
      day: this.#days[at] ?? 0,
      deleted: this.#deleted[at] === 1,
    };
  }

  delete(seq: number): void {
    this.#deleted[seq - 1] = 1;
  }

  #grow(): void {
    const size = 2 * this.#deleted.length;
    this.#ids = Buffer.concat([this.#ids], 16 * size);
    this.#authors = Buffer.concat([this.#authors], 16 * size);
    const [days, deleted] = [new Int32Array(size), new Uint8Array(size)];
    days.set(this.#days);
    deleted.set(this.#deleted);
    this.#days = days;
    this.#deleted = deleted;
  }
}

const hexOf = (uuid: string): string => uuid.replaceAll("-", "");
const uuidOf = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
