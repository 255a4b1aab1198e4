import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { PoolClient } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { CommandFailed } from "../commandFailed.ts";
import type { TableFile } from "./manifest.ts";
import { rowsIn } from "./rowsIn.ts";

/** Fills a table that this transaction has emptied from the file that `saveTable` wrote. */
export async function loadTable(
  client: PoolClient,
  { name, table, columns, rows }: TableFile,
  folder: string,
  how: { readonly onRows: (rows: number) => void; readonly signal: AbortSignal },
): Promise<void> {
  const copy = client.query(copyFrom(`copy ${table} (${columns.join()}) from stdin with (freeze)`));
  await pipeline(
    createReadStream(join(folder, name)),
    createGunzip(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        how.onRows(rowsIn(chunk));
        yield chunk;
      }
    },
    copy,
    { signal: how.signal },
  );
  if (copy.rowCount !== rows) throw new CommandFailed(`${name} holds ${copy.rowCount} of ${rows} rows of ${table}`);
}
