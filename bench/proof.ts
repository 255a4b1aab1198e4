import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tlogMigrations } from "../compliance/tlog/migrations.ts";
import { inclusionProof } from "../compliance/tlog/tree.ts";
import { Edge } from "../compliance/verifier/edge.ts";
import { includes } from "../compliance/verifier/merkle.ts";
import { openDatabase } from "../infra/postgres/database.ts";
import { startEmbedded } from "../infra/postgres/embedded.ts";
import { migrate } from "../infra/postgres/migrate.ts";
import { compareCosts, keep } from "./harness.ts";

const FEW = 10_000;
const MANY = Number(process.env.BENCH_ENTRIES ?? 1_000_000);
const PROOFS = 300;
const PAGE = 50_000;

const folder = await realpath(await mkdtemp(join(tmpdir(), "scripta-bench-")));
const embedded = await startEmbedded({ dataFolder: folder, log: () => {} });
const database = openDatabase(embedded.connection, { max: 2 });
try {
  await migrate(database, tlogMigrations());
  await database.query(
    `insert into tlog.entries (index, position, link, leaf)
     select n, n + 1, sha256('link'), sha256(n::text::bytea) from generate_series(0, $1::bigint - 1) n`,
    [MANY],
  );
  const roots = new Map<number, Uint8Array>();
  const edge = new Edge();
  for (let from = 0; from < MANY; from += PAGE) {
    const { rows } = await database.query<{ leaf: Buffer }>(
      "select leaf from tlog.entries where index >= $1 and index < $2 order by index",
      [from, from + PAGE],
    );
    const full: { level: number; n: number; hash: Buffer }[] = [];
    for (const { leaf } of rows) {
      edge.append(leaf, (level, _, hash) =>
        full.push({ level: level + 1, n: Math.floor((edge.size - 1) / 256 ** (level + 1)), hash: Buffer.from(hash) }),
      );
      if (edge.size === FEW || edge.size === MANY) roots.set(edge.size, edge.root());
    }
    await database.query("insert into tlog.roots select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])", [
      full.map(({ level }) => level),
      full.map(({ n }) => n),
      full.map(({ hash }) => hash),
    ]);
  }
  await database.query("analyze tlog.entries");
  /** The slowest but one in a hundred, in ms; each proof is checked. */
  const p99 = (size: number) => async () => {
    const root = roots.get(size) ?? new Uint8Array();
    const times: number[] = [];
    for (let n = 0; n < PROOFS; n++) {
      const index = Math.floor(Math.random() * size);
      const began = performance.now();
      const path = await inclusionProof(database, index, size);
      times.push(performance.now() - began);
      const { rows } = await database.query<{ leaf: Buffer }>("select leaf from tlog.entries where index = $1", [
        index,
      ]);
      if (!rows[0] || !includes(rows[0].leaf, index, size, path, root)) throw new Error(`no proof of ${index}`);
    }
    return times.sort((one, other) => one - other)[Math.floor(PROOFS * 0.99)] ?? Number.NaN;
  };
  const compared = await compareCosts({
    title: `p99 of ${PROOFS} inclusion proofs, from the tables`,
    unit: "ms",
    ours: { name: `of ${MANY.toLocaleString("en-US")} entries`, turn: p99(MANY) },
    baselines: [{ name: `of ${FEW.toLocaleString("en-US")} entries`, turn: p99(FEW) }],
  });
  keep("proof", [compared]);
} finally {
  await database.close();
  await embedded.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
