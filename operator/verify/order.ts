import type { Queryable } from "../../infra/ports/database.ts";
import type { Findings } from "./findings.ts";

const POSITIONS_AT_ONCE = 100_000;

interface Break {
  readonly position: number;
  readonly before: number;
  readonly recordedAt: number;
  readonly recordedBefore: number;
}

/**
 * The log in its own order: no position is left out, and `recordedAt` never decreases. The port promises less (positions
 * need not be dense); this log writes each batch right after the one before, so a gap is an event that was taken out.
 * Gives how many events there are.
 */
export async function verifyOrder(
  database: Queryable,
  upTo: number,
  findings: Findings,
  step: (events: number) => void,
): Promise<number> {
  let events = 0;
  for (let from = 0; from < upTo; from += POSITIONS_AT_ONCE) {
    const to = Math.min(upTo, from + POSITIONS_AT_ONCE);
    const { rows } = await database.query<{
      count: number;
      breaks: Break[] | null;
      first: number | null;
      last: number | null;
    }>(
      `with page as (
         select position, recorded_at, lag(position) over log as before, lag(recorded_at) over log as recorded_before
         from log.events where position >= $1 and position <= $2 window log as (order by position)
       ), broken as (
         select position, before, recorded_at as "recordedAt", recorded_before as "recordedBefore" from page
         where position <> before + 1 or recorded_at < recorded_before order by position limit 100
       )
       select count(*) filter (where position > $1) as count, min(position) as first, max(position) as last,
         (select json_agg(broken) from broken) as breaks from page`,
      [from, to],
      "verify-order",
    );
    const [page] = rows;
    if (!page) continue;
    events += page.count;
    if (from === 0 && page.first !== 1)
      findings.add({
        rule: "positions begin with 1",
        found: `the first event stands at ${page.first}`,
        position: page.first ?? 0,
      });
    for (const { position, before, recordedAt, recordedBefore } of page.breaks ?? []) {
      if (position !== before + 1)
        findings.add({ rule: "no position is left out", found: `${position} follows ${before}`, position });
      if (recordedAt < recordedBefore)
        findings.add({
          rule: "recordedAt never decreases",
          found: `${new Date(recordedAt).toISOString()} follows ${new Date(recordedBefore).toISOString()}`,
          position,
        });
    }
    // A page without its last position would let the next one begin in a gap.
    if (page.last !== to)
      findings.add({ rule: "no position is left out", found: `there is no event at ${to}`, position: to });
    step(page.count);
  }
  return events;
}

/** What stands once by an index stands once in the table, too: commands in their stream, messages in theirs. */
export async function verifyOnce(database: Queryable, upTo: number, findings: Findings): Promise<void> {
  for (const [rule, what, where] of [
    ["a command is recorded once in a stream", "command", "command_at = 0"],
    ["a message is sent once in a conversation", "target", "type = 'MessageSent' and target is not null"],
  ] as const) {
    const { rows } = await database.query<{ stream: string; id: string; times: number; position: number }>(
      `select stream, id, times, position from (
         select stream_no, ${what} as id, count(*) as times, max(position) as position from log.events
         where ${where} and position <= $1 group by 1, 2 having count(*) > 1 order by position limit 100) twice
       join log.streams using (stream_no) order by position`,
      [upTo],
    );
    for (const { stream, id, times, position } of rows)
      findings.add({ rule, found: `${id} stands ${times} times`, stream, position });
  }
}

/** Read models and accounts stand nowhere beyond the log's end: what they once took in was in it. */
export async function verifyHead(database: Queryable, findings: Findings): Promise<void> {
  const { rows } = await database.query<{ what: string; position: number; head: number }>(
    `select what, position, head from (
       select 'the read model ' || schema as what, position from ops.checkpoints
       union all select 'accounts', position from accounts.followed) as followers,
       (select coalesce(max(position), 0) as head from log.events) as log
     where position > head order by 1`,
  );
  for (const { what, position, head } of rows)
    findings.add({
      rule: "the log reaches as far as what was made of it",
      found: `${what} took in what stood at ${position}, and the log ends at ${head}`,
    });
}
