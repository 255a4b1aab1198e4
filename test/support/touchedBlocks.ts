import type { Client } from "pg";
import { z } from "zod";
import { APPEND, appendParameters, type Seen } from "../../infra/eventLog/appendCall.ts";
import type { Append } from "../../infra/eventLog/recorded.ts";

const Explained = z.tuple([
  z.object({ "QUERY PLAN": z.tuple([z.object({ Plan: z.object({ "Shared Hit Blocks": z.int() }) })]) }),
]);
const TIMES = 5;

/**
 * Blocks of the database that an append touches, at the least of a few times: it is done, counted and taken back. What
 * grows with dead rows shows in it, however busy the machine is.
 */
export async function touchedBlocks(client: Client, batch: readonly Append[], seen: Seen): Promise<number> {
  await client.query("set enable_seqscan = off");
  const counts: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    await client.query("begin");
    const values = [...appendParameters(batch, null, seen)];
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${APPEND}`, values);
    await client.query("rollback");
    counts.push(Explained.parse(rows)[0]["QUERY PLAN"][0].Plan["Shared Hit Blocks"]);
  }
  return Math.min(...counts);
}
