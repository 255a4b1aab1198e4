import type { StreamId } from "../../domain/ids.ts";

/** Whose content of a day goes is not known here, and a hold keeps everybody's: they must be named. */
export class AuthorsNeeded extends Error {
  override name = "AuthorsNeeded";
}

/** A scope that is preserved whatever is destroyed: a conversation, a person, or a person in a conversation. */
export interface Hold {
  readonly tenant: string;
  readonly holdId: string;
  readonly conversationId: string | null;
  readonly userId: string | null;
  /** UTC days, such as `2026-11-21`, both included; null: without an end. */
  readonly fromDay: string | null;
  readonly toDay: string | null;
}

/** Whose content key is meant: of one person (or conversation), in one stream, of one bucket. */
export interface HeldKeyName {
  readonly stream: StreamId;
  readonly subject: string;
  readonly bucket: string;
}

/**
 * Legal holds, beside the secrets. Placing one costs nothing. What destroys a secret stores, in that same transaction,
 * each content key in a hold's scope under that hold's own key.
 * @throws KeysUnavailable from every method when the store or the outer key does not answer
 */
export interface Holds {
  /** Doing it again changes nothing. */
  place(hold: Hold): Promise<void>;
  /** The hold and all that was kept for it alone goes. */
  lift(tenant: string, holdId: string): Promise<void>;
  /** In the order in which they were placed. */
  list(tenant: string): Promise<(Hold & { readonly placedAt: Date })[]>;
  /**
   * Destroys a person's secret, unless holds are over it as `over` tells: gives their ids then, and has destroyed nothing.
   */
  destroyUnlessHeld(tenant: string, userId: string, streams?: readonly string[]): Promise<readonly string[]>;
  /** The ids of holds that cover anything in these streams, or in any, that a person's secret may be needed for. */
  over(tenant: string, userId: string, streams?: readonly string[]): Promise<readonly string[]>;
  /** 32 bytes each, in the order asked; undefined where no hold kept it. */
  heldKeys(tenant: string, names: readonly HeldKeyName[]): Promise<(Uint8Array | undefined)[]>;
}
