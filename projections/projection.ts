import type { StreamKind } from "../domain/ids.ts";
import type { Queryable, Transaction } from "../infra/ports/database.ts";
import type { Logged } from "./logged.ts";

/** The tables of one generation, within a transaction. */
export interface Tables extends Queryable {
  /** Runs a statement whose answer nobody needs. */
  send: Transaction["send"];
  /** Adds rows that are not there, with their columns by name: a missing one is null. Values are as in JSON. */
  insert(table: string, rows: readonly object[]): Promise<void>;
}

/** How the log becomes the rows of one read model. The same log gives the same rows, however it is cut into batches. */
export interface ProjectionDeclaration<Type extends Logged["type"]> {
  /** Also the Postgres schema of the live generation. */
  readonly name: string;
  /** Raised when rows would come out otherwise: the read model is then folded anew. */
  readonly version: number;
  /**
   * Tables with unqualified names: they are made in whatever schema a generation lives in. What a rebuild makes last
   * are its plain `create index` statements, so folding must need primary keys and unique constraints alone.
   */
  readonly schema: URL;
  /** Kinds of stream that it needs whole: an event it cannot read parks its stream. */
  readonly streams: readonly StreamKind[];
  readonly handles: readonly Type[];
  /** Set-based, in a few statements. `schema`: that of the generation to write, safe to paste into SQL. */
  project(events: readonly Extract<Logged, { type: Type }>[], tables: Tables, schema: string): Promise<void>;
}

/** A declaration closed over the types of its events: what the projector runs. */
export interface Projection extends Pick<ProjectionDeclaration<never>, "name" | "version" | "schema" | "streams"> {
  project(events: readonly Logged[], tables: Tables, schema: string): Promise<void>;
}

export function projection<const Type extends Logged["type"]>(it: ProjectionDeclaration<Type>): Projection {
  const handled: ReadonlySet<string> = new Set(it.handles);
  const isHandled = (event: Logged): event is Extract<Logged, { type: Type }> => handled.has(event.type);
  return {
    name: it.name,
    version: it.version,
    schema: it.schema,
    streams: it.streams,
    async project(events, tables, schema) {
      const mine = events.filter(isHandled);
      if (mine.length > 0) await it.project(mine, tables, schema);
    },
  };
}
