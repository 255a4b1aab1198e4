/**
 * The first 64 bits of every tag seen so far, to notice one that comes twice: tags are the output of a keyed hash, so two
 * that agree in 64 bits are the same one. At most 32 bytes a tag.
 */
export class TagSet {
  /** Two words a slot; both 0: empty. */
  #slots = new Uint32Array(2048);
  #count = 0;

  /** False where it is there already. @param tag 32 bytes at an offset */
  add(bytes: Uint8Array, at: number): boolean {
    if (4 * (this.#count + 1) > this.#slots.length) this.#grow();
    const high = word(bytes, at);
    // Never the mark of an empty slot.
    if (!place(this.#slots, high, word(bytes, at + 4) || 1)) return false;
    this.#count++;
    return true;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#slots.length);
    for (let at = 0; at < this.#slots.length; at += 2) {
      const low = this.#slots[at + 1] ?? 0;
      if (low !== 0) place(larger, this.#slots[at] ?? 0, low);
    }
    this.#slots = larger;
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;

/** Open addressing: the next slot where one is taken. */
function place(slots: Uint32Array, high: number, low: number): boolean {
  const mask = slots.length / 2 - 1;
  for (let slot = high & mask; ; slot = (slot + 1) & mask) {
    const known = slots[2 * slot + 1];
    if (known === 0) {
      slots[2 * slot] = high;
      slots[2 * slot + 1] = low;
      return true;
    }
    if (known === low && slots[2 * slot] === high) return false;
  }
}
