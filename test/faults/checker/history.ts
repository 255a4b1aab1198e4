/**
 * What a run leaves for the checker: what each client asked for and was told, what each reader saw, what the log holds in
 * the end. Plain JSON. Moments (`…At`) are one count for the whole run: of two, the lower came first.
 */
export interface History {
  readonly attempts: readonly Attempt[];
  readonly sightings: readonly Sighting[];
  readonly readings: readonly Reading[];
  readonly devices: readonly Device[];
  readonly log: readonly LogEntry[];
  readonly readModels: readonly ReadModelHashes[];
}

/** One try of one command. A command that is sent again is several attempts with one id. */
export interface Attempt {
  readonly userId: string;
  readonly name: string;
  readonly conversationId: string | null;
  /** What makes it once: the key, of a message its id; null of marks, which need none. */
  readonly commandId: string | null;
  /** The message that it sends or is about. */
  readonly messageId?: string;
  /** That of a message, or its new one. */
  readonly text?: string;
  /** Whom it is about. */
  readonly otherId?: string;
  readonly invokedAt: number;
  endedAt?: number;
  /** `unknown`: no answer came, or one that leaves open whether it happened. `failed`: refused for good. */
  outcome: "invoked" | "ok" | "failed" | "unknown";
  answer?: { readonly position: number; readonly revision: number; readonly seq?: number };
  code?: string;
}

export interface Seen {
  readonly messageId: string;
  readonly seq: number;
  readonly revision: number;
  readonly text: string | null;
  readonly deleted: boolean;
}

/** A change that came to a socket. */
export type Sighting = {
  /** A connection, from its opening to its end. */
  readonly reader: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly at: number;
  /** That of the frame. */
  readonly position: number;
  /** Whether it came while catching up. */
  readonly live: boolean;
} & (
  | ({ readonly op: "message" } & Seen)
  | { readonly op: "receipt"; readonly of: string; readonly read: number; readonly delivered: number }
  | { readonly op: "left" | "other" }
);

/** A page of the newest messages that somebody asked for, of at least the state at `minPosition`. */
export interface Reading {
  readonly userId: string;
  readonly conversationId: string;
  readonly invokedAt: number;
  readonly endedAt: number;
  readonly minPosition: number;
  readonly status: number;
  /** Ascending. */
  readonly messages: readonly Seen[];
  /** Nothing visible lies before the first of them. */
  readonly whole: boolean;
}

/** What a device holds once everything has come to rest. */
export interface Device {
  readonly reader: string;
  readonly userId: string;
  readonly conversations: readonly {
    readonly conversationId: string;
    /** From here on messages come by themselves. */
    readonly floor: number;
    /** How many messages it says wait to be read. */
    readonly unread: number;
    readonly messages: readonly Seen[];
  }[];
}

/** An event as it lies in the log, in order of position. */
export interface LogEntry {
  readonly position: number;
  /** `<tenant>/<kind>-<uuid>` */
  readonly stream: string;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly commandId: string;
  /** Its place among the events of its command. */
  readonly ordinal: number;
  readonly actorId: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Of each table the hash of all its rows: as it stands, and as a replay of the whole log makes it. */
export interface ReadModelHashes {
  readonly table: string;
  readonly live: string;
  readonly replayed: string;
}
