import { createHash } from "node:crypto";
import { setImmediate as others } from "node:timers/promises";
import type { StreamId } from "../../domain/ids.ts";
import type { Database } from "../ports/database.ts";
import type { Snapshot, Snapshots } from "../ports/snapshots.ts";
import type { Migration } from "../postgres/migrate.ts";

export const snapshotMigrations: readonly Migration[] = [
  {
    name: "snapshots/0001",
    sql: `create schema if not exists ops;
      create table ops.snapshots (
        stream text collate "C" primary key,
        revision bigint not null,
        state_version integer not null,
        sha256 text not null,
        state text not null
      )`,
  },
  // What was folded before is of no known epoch.
  {
    name: "snapshots/0002",
    sql: "truncate ops.snapshots; alter table ops.snapshots add column epoch integer not null",
  },
  // A large state lies in several rows; the first one tells of all of them.
  {
    name: "snapshots/0003",
    sql: `drop table ops.snapshots;
      create table ops.snapshots (
        stream text collate "C" not null,
        part integer not null,
        state text not null,
        epoch integer,
        revision bigint,
        made_by text,
        sha256 text,
        primary key (stream, part)
      )`,
  },
];

interface Row {
  readonly state: string;
  readonly revision: number | null;
  readonly made_by: string | null;
  readonly sha256: string | null;
}

async function digest(epoch: number, { revision, madeBy, parts }: Snapshot): Promise<string> {
  const hash = createHash("sha256").update(`${epoch} ${revision} ${madeBy} ${parts.length}`);
  for (const [at, part] of parts.entries()) {
    if (at > 0) await others();
    hash.update(part);
  }
  return hash.digest("hex");
}

/**
 * Snapshots in a table: ids and facts only, nothing personal. One whose checksum does not fit, or that was folded in
 * another epoch of the log than this, is as good as none.
 */
export function postgresSnapshots(database: Database, epoch: number): Snapshots {
  async function load(stream: StreamId): Promise<Snapshot | undefined> {
    const { rows } = await database.query<Row>(
      `select part.state, first.revision, first.made_by, first.sha256
       from ops.snapshots first join ops.snapshots part using (stream)
       where first.stream = $1 and first.part = 0 and first.epoch = $2 order by part.part`,
      [stream, epoch],
      "snapshots.load",
    );
    const [first] = rows;
    if (!first || first.revision === null || first.made_by === null) return undefined;
    const snapshot = { revision: first.revision, madeBy: first.made_by, parts: rows.map(({ state }) => state) };
    return (await digest(epoch, snapshot)) === first.sha256 ? snapshot : undefined;
  }

  const drop = async (stream: StreamId) => {
    await database.query("delete from ops.snapshots where stream = $1", [stream], "snapshots.drop");
  };

  /** False where what is there is as new. */
  const replace = (stream: StreamId, { revision, madeBy, parts }: Snapshot, sha256: string) =>
    database.transaction(async (tx) => {
      const [first = "", ...rest] = parts;
      const { rowCount } = await tx.query(
        `insert into ops.snapshots as known (stream, part, state, epoch, revision, made_by, sha256)
           values ($1, 0, $2, $3, $4, $5, $6)
         on conflict (stream, part) do update
           set state = excluded.state, epoch = excluded.epoch, revision = excluded.revision,
               made_by = excluded.made_by, sha256 = excluded.sha256
           where known.epoch < excluded.epoch
             or known.epoch = excluded.epoch
               and (known.revision < excluded.revision or known.made_by <> excluded.made_by)`,
        [stream, first, epoch, revision, madeBy, sha256],
        "snapshots.save",
      );
      if (rowCount === 0) return false;
      await tx.query("delete from ops.snapshots where stream = $1 and part > 0", [stream], "snapshots.clear");
      for (const [at, part] of rest.entries())
        await tx.query(
          "insert into ops.snapshots (stream, part, state) values ($1, $2, $3)",
          [stream, at + 1, part],
          "snapshots.part",
        );
      return true;
    });

  /** Another process may know of a later epoch than this one. */
  const altered = async (stream: StreamId) => {
    const { rowCount } = await database.query(
      "select from ops.snapshots where stream = $1 and part = 0 and epoch = $2",
      [stream, epoch],
    );
    return rowCount > 0 && !(await load(stream));
  };

  return {
    load,
    drop,
    async save(stream, snapshot) {
      const sha256 = await digest(epoch, snapshot);
      if ((await replace(stream, snapshot, sha256)) || !(await altered(stream))) return;
      await drop(stream);
      await replace(stream, snapshot, sha256);
    },
  };
}
