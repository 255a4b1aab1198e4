import { hash } from "node:crypto";
import type { Database } from "../ports/database.ts";
import type { Snapshots } from "../ports/snapshots.ts";
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
];

const digest = (epoch: number, revision: number, stateVersion: number, state: string): string =>
  hash("sha256", `${epoch} ${revision} ${stateVersion} ${state}`);

/**
 * Snapshots in a table: ids and facts only, nothing personal. One whose checksum does not fit, or that was folded in
 * another epoch of the log than this, is as good as none.
 */
export const postgresSnapshots = (database: Database, epoch: number): Snapshots => ({
  async load(stream) {
    const { rows } = await database.query<{ revision: number; state_version: number; sha256: string; state: string }>(
      "select revision, state_version, sha256, state from ops.snapshots where stream = $1 and epoch = $2",
      [stream, epoch],
      "snapshots.load",
    );
    const [row] = rows;
    if (!row || digest(epoch, row.revision, row.state_version, row.state) !== row.sha256) return undefined;
    return { revision: row.revision, stateVersion: row.state_version, state: row.state };
  },

  async save(stream, { revision, stateVersion, state }) {
    await database.query(
      `insert into ops.snapshots as known (stream, revision, state_version, sha256, state, epoch)
         values ($1, $2, $3, $4, $5, $6)
       on conflict (stream) do update
         set revision = excluded.revision, state_version = excluded.state_version,
             sha256 = excluded.sha256, state = excluded.state, epoch = excluded.epoch
         where known.epoch < excluded.epoch
           or known.epoch = excluded.epoch
             and (known.revision < excluded.revision or known.state_version < excluded.state_version)`,
      [stream, revision, stateVersion, digest(epoch, revision, stateVersion, state), state, epoch],
      "snapshots.save",
    );
  },
});
