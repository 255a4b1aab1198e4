/**
 * What a place holds of people, field by field: names separated by spaces. What is in none of the lists but `other` tells
 * of nobody. Everything that is stored says so, for the record of processing. @see GDPR Art. 30
 */
export interface DataUse {
  /** For whoever reads the record: what it is, and what for. */
  readonly what: string;
  /** Ids of people: random, and meaningless without what is sealed under their secrets. */
  readonly people?: string;
  /** What somebody did or chose, and when; of devices, too. */
  readonly conduct?: string;
  /** What can name or quote somebody, encrypted; whose secret it takes, the event says. */
  readonly sealed?: string;
  /** What somebody signs in with, and names to be found: hashes, or of use with a key outside the database alone. */
  readonly hashed?: string;
  /** Keys, encrypted by other keys. */
  readonly wrapped?: string;
  /** Nothing of a person. */
  readonly other?: string;
}

/** A place that is not the log of events: with how long it is kept, and what an erasure does to it. */
export interface StoredUse extends DataUse {
  readonly kept: string;
  readonly erasure: string;
}

const words = (...lists: (string | undefined)[]): string[] => lists.flatMap((list) => list?.split(" ") ?? []);

/** Every field that lies in clear, hashed or wrapped, in the order of the lists. */
export const openFields = ({ people, conduct, hashed, wrapped, other }: DataUse): string[] =>
  words(people, conduct, hashed, wrapped, other);

export const sealedFields = ({ sealed }: DataUse): string[] => words(sealed);
