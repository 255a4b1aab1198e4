/**
 * The first 64 bits of every tag seen so far, to notice one that comes twice: tags are the output of a keyed hash, so two
 * that agree in 64 bits are the same one. 16 bytes a tag.
 */
export class TagSet {
  #slots = new BigUint64Array(1024);
  #count = 0;

  /** False where it is there already. @param tag 32 bytes */
  add(tag: Uint8Array): boolean {
    if (2 * (this.#count + 1) > this.#slots.length) this.#grow();
    const value = new DataView(tag.buffer, tag.byteOffset).getBigUint64(0) || 1n;
    if (!place(this.#slots, value)) return false;
    this.#count++;
    return true;
  }

  #grow(): void {
    const larger = new BigUint64Array(2 * this.#slots.length);
    for (const value of this.#slots) if (value !== 0n) place(larger, value);
    this.#slots = larger;
  }
}

/** Open addressing; 0 is an empty slot. */
function place(slots: BigUint64Array, value: bigint): boolean {
  const mask = slots.length - 1;
  for (let at = Number(value & 0xffff_ffffn) & mask; ; at = (at + 1) & mask) {
    if (slots[at] === value) return false;
    if (slots[at] === 0n) {
      slots[at] = value;
      return true;
    }
  }
}
