/** How far a log was signed: so many entries, under this root of 32 bytes. */
export interface SignedHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** How far each log was signed here, kept durably. */
export interface SignedHeads {
  /** `number` counts the heads of that log; 0 where there is none. */
  last(origin: string): Promise<{ readonly number: number; readonly head: SignedHead | undefined }>;
  /** Durable before it resolves. False where that number is taken: somebody else was faster, look again. */
  remember(origin: string, number: number, head: SignedHead): Promise<boolean>;
}

/** What is to be signed does not go on from what was signed before: the log was altered, or set back. */
export class InconsistentLog extends Error {
  override name = "InconsistentLog";
}

/**
 * Signs for the verifiable log, and remembers outside the database how far it did: what was signed once is never
 * contradicted, whatever is restored, and however many processes ask.
 */
export interface LogSigner {
  /** The verifier keys that sign now, the newest first, as text. @param origin the log's name */
  verifierKeys(origin: string): Promise<readonly string[]>;
  /** How far that log was signed; undefined if never. */
  last(origin: string): Promise<SignedHead | undefined>;
  /**
   * The signed checkpoint of `next`, remembered durably before it is given out; undefined where another process signed
   * meanwhile: ask again.
   * @param proofFrom gives the consistency proof from an earlier size to that of `next`
   * @throws InconsistentLog where `next` does not begin with what was signed last
   */
  signCheckpoint(
    origin: string,
    next: SignedHead,
    proofFrom: (size: number) => Promise<readonly Uint8Array[]>,
  ): Promise<string | undefined>;
  /** Any other text as a signed note. @throws TypeError on one that could pass for a checkpoint of the log */
  signNote(origin: string, text: string): Promise<string>;
}
