/** What a statement gave back. */
export interface Rows<Row> {
  readonly rows: Row[];
  readonly rowCount: number;
}

export interface Queryable {
  /** `name` makes it a prepared statement that is planned once a connection. */
  query<Row = unknown>(sql: string, params?: readonly unknown[], name?: string): Promise<Rows<Row>>;
}

/** What runs in one transaction, on one connection. */
export interface Transaction extends Queryable {
  /** Runs a statement whose answer nobody needs. Where it fails, so does the next `query`, or the commit. */
  send(sql: string, params?: readonly unknown[], name?: string): void;
  /** Runs a `copy … from stdin`, fed with text; ends when the last of it was taken in. */
  copyIn(sql: string, text: Iterable<string>): Promise<void>;
}

/** The Postgres that read models and operational tables live in. `bigint` arrives as number, `timestamptz` as Date. */
export interface Database extends Queryable {
  /** Commits when `work` resolves, else rolls back. `snapshot`: repeatable read, read only. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, mode?: "write" | "snapshot"): Promise<T>;
  /** Runs `onMessage` for each NOTIFY on the channel until stopped; silently re-listens after a lost connection. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<{ stop(): Promise<void> }>;
}
