/** Who is erased, by which erasure. */
export interface Erased {
  readonly tenant: string;
  readonly userId: string;
  readonly erasureId: string;
  /** Conversations whose names go with the person. */
  readonly redactNames: readonly string[];
}

/**
 * A place that may hold something of an erased person beside sealed content, or that others must learn of the erasure
 * from. All there is to joining: a declaration in the list that the server wires.
 */
export interface ErasureSink {
  /** One word or two with `-`, as the certificate names it. */
  readonly name: string;
  /** Whether it is swept before the person's secret is destroyed or after. */
  readonly when: "before" | "after";
  /**
   * May come any number of times; the last one counts. Gives how many items it held.
   * @throws whatever kept it from that: it is tried again
   */
  sweep(person: Erased): Promise<number>;
}
