import type { StreamKind } from "../../../domain/ids.ts";
import type { Entry } from "../entry.ts";

/** What a person is called today; null: nobody may know any more, or nobody ever did. */
export type NameOf = (userId: string) => string | null;

/** A piece of a file; pieces of one path that follow each other are one file. */
export interface Piece {
  readonly path: string;
  readonly text: string;
}

/** A stream as it is told. */
export interface ToldStream {
  readonly tenant: string;
  readonly kind: StreamKind;
  /** The UUID in its name. */
  readonly of: string;
  /** In order; `nameOf` knows whoever an entry names once it is given. */
  readonly entries: AsyncIterable<Entry>;
  readonly nameOf: NameOf;
}

/**
 * How an archive is read by people and programs. A function of the events and of the names alone, so that whoever checks an
 * archive makes the same files of its evidence, byte for byte.
 */
export interface Format {
  /** The kinds of streams that it tells. */
  readonly tells: readonly StreamKind[];
  render(stream: ToldStream): AsyncIterable<Piece>;
}
