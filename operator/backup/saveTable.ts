import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { PoolClient } from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { TableFile } from "./manifest.ts";
import { rowsIn } from "./rowsIn.ts";
import type { SavedTable } from "./tables.ts";

/**
 * Writes a table's rows into a file of a folder, as PostgreSQL's COPY text, compressed by gzip. Takes as much memory for
 * many rows as for few. On disk when it resolves.
 */
export async function saveTable(
  client: PoolClient,
  { name: table, orderBy }: SavedTable,
  folder: string,
  how: { readonly onRows: (rows: number) => void; readonly signal: AbortSignal },
): Promise<TableFile> {
  const name = `${table}.copy.gz`;
  const { rows: described } = await client.query<{ columns: string[] }>(
    `select array_agg(attname::text order by attnum) as columns from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  const columns = described[0]?.columns ?? [];
  const digest = createHash("sha256");
  let [rows, sizeBytes] = [0, 0];
  await pipeline(
    client.query(copyTo(`copy (select ${columns.join()} from ${table} order by ${orderBy}) to stdout`)),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        const more = rowsIn(chunk);
        rows += more;
        how.onRows(more);
        yield chunk;
      }
    },
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        digest.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(join(folder, name), { flags: "wx", mode: 0o600, flush: true }),
    { signal: how.signal },
  );
  return { name, sizeBytes, sha256: digest.digest("hex"), table, columns, rows };
}
