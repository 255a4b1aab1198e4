/** The verifiable log's own hand: what it signs anyone can check with the log's public key. */
export interface NoteSigner {
  /** The newest signed checkpoint, once it covers a position of the log; root: 32 bytes. */
  checkpointCovering(position: number): Promise<{ readonly size: number; readonly root: Uint8Array } | undefined>;
  /** @param text lines that each end in a line feed. @returns a signed note. @see C2SP signed-note */
  sign(text: string): Promise<string>;
}
