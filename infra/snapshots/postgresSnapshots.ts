import { hash } from "node:crypto";
import type { Migration } from "../postgres/migrate.ts";
import type { Database } from "../ports/database.ts";
import type { Snapshots } from "../ports/snapshots.ts";

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
];

const digest = (revision: number, stateVersion: number, state: string): string =>
  hash("sha256", `${revision} ${stateVersion} ${state}`);

/** Snapshots in a table: ids and facts only, nothing personal. One whose checksum does not fit is as good as none. */
export const postgresSnapshots = (database: Database): Snapshots => ({
  async load(stream) {
    const { rows } = await database.query<{ revision: number; state_version: number; sha256: string; state: string }>(
      "select revision, state_version, sha256, state from ops.snapshots where stream = $1",
      [stream],
      "snapshots.load",
    );
    const [row] = rows;
    if (!row || digest(row.revision, row.state_version, row.state) !== row.sha256) return undefined;
    return { revision: row.revision, stateVersion: row.state_version, state: row.state };
  },

  async save(stream, { revision, stateVersion, state }) {
    await database.query(
      `insert into ops.snapshots as known (stream, revision, state_version, sha256, state) values ($1, $2, $3, $4, $5)
       on conflict (stream) do update
         set revision = excluded.revision, state_version = excluded.state_version,
             sha256 = excluded.sha256, state = excluded.state
         where known.revision < excluded.revision or known.state_version < excluded.state_version`,
      [stream, revision, stateVersion, digest(revision, stateVersion, state), state],
      "snapshots.save",
    );
  },
});
