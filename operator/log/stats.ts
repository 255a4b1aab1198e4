import type { Queryable } from "../../infra/ports/database.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import { print, table } from "../print.ts";
import type { SettingFlags } from "../settings.ts";

interface Moment {
  readonly position: number;
  readonly recordedAt: string;
}

export interface LogStats {
  readonly epoch: number;
  readonly events: number;
  readonly streams: readonly { readonly tenant: string; readonly kind: string; readonly streams: number }[];
  /** Of what the events say, in bytes. `stored`: all that the log takes on disk, with its indexes. */
  readonly bytes: { readonly data: number; readonly meta: number; readonly sealed: number; readonly stored: number };
  readonly types: readonly {
    readonly type: string;
    readonly version: number;
    readonly events: number;
    readonly bytes: number;
  }[];
  /** UTC. */
  readonly days: readonly { readonly day: string; readonly events: number; readonly bytes: number }[];
  readonly first: Moment | null;
  readonly last: Moment | null;
}

const DAY_MS = 86_400_000;

/** Counts all events up to the head as it is now, in one pass. */
export async function logStats(database: Queryable): Promise<LogStats> {
  const [{ rows: counts }, { rows: streams }, { rows: facts }] = await Promise.all([
    database.query<{
      type: string;
      version: number;
      day: number;
      events: number;
      data: number;
      meta: number;
      sealed: number;
    }>(
      `select type, version, recorded_at / ${DAY_MS} as day, count(*) as events,
         sum(octet_length(data::text))::bigint as data, sum(octet_length(meta::text))::bigint as meta,
         sum(coalesce(octet_length(sealed), 0))::bigint as sealed
       from log.events group by type, version, day`,
    ),
    database.query<LogStats["streams"][number]>(
      `select split_part(stream, '/', 1) as tenant, split_part(split_part(stream, '/', 2), '-', 1) as kind,
         count(*) as streams from log.streams group by 1, 2 order by 1, 2`,
    ),
    database.query<{
      epoch: number;
      stored: number;
      first: number | null;
      last: number | null;
      firstAt: number;
      lastAt: number;
    }>(
      `select (select max(epoch) from log.epochs) as epoch,
         pg_total_relation_size('log.events') + pg_total_relation_size('log.streams') as stored,
         first.position as first, last.position as last, first.recorded_at as "firstAt", last.recorded_at as "lastAt"
       from (select) as nothing
       left join (select position, recorded_at from log.events order by position limit 1) first on true
       left join (select position, recorded_at from log.events order by position desc limit 1) last on true`,
    ),
  ]);
  const [fact] = facts;
  const sum = (rows: readonly (typeof counts)[number][], of: "events" | "data" | "meta" | "sealed") =>
    rows.reduce((total, row) => total + row[of], 0);
  const bytesOf = (rows: readonly (typeof counts)[number][]) =>
    sum(rows, "data") + sum(rows, "meta") + sum(rows, "sealed");
  const moment = (position: number | null | undefined, at: number | undefined): Moment | null =>
    position == null || at === undefined ? null : { position, recordedAt: new Date(at).toISOString() };
  return {
    epoch: fact?.epoch ?? 0,
    events: sum(counts, "events"),
    streams,
    bytes: {
      data: sum(counts, "data"),
      meta: sum(counts, "meta"),
      sealed: sum(counts, "sealed"),
      stored: fact?.stored ?? 0,
    },
    types: [...Map.groupBy(counts, ({ type, version }) => `${type} ${version}`).values()]
      .flatMap((rows) => {
        const [one] = rows;
        return one ? [{ type: one.type, version: one.version, events: sum(rows, "events"), bytes: bytesOf(rows) }] : [];
      })
      .sort((one, other) => other.events - one.events || one.type.localeCompare(other.type)),
    days: [...Map.groupBy(counts, ({ day }) => day)]
      .sort(([one], [other]) => one - other)
      .map(([day, rows]) => ({
        day: new Date(day * DAY_MS).toISOString().slice(0, 10),
        events: sum(rows, "events"),
        bytes: bytesOf(rows),
      })),
    first: moment(fact?.first, fact?.firstAt),
    last: moment(fact?.last, fact?.lastAt),
  };
}

export const statsCommand = (flags: SettingFlags & { readonly json?: boolean }): Promise<number> =>
  onFolder(flags, async ({ database }) => {
    const stats = await logStats(database);
    print(stats, flags.json, lines(stats));
    return exitCodes.done;
  });

function lines({ epoch, events, streams, bytes, types, days, first, last }: LogStats): string[] {
  const number = (value: number) => value.toLocaleString("en");
  const mib = (value: number) => `${(value / 1024 ** 2).toFixed(1)} MiB`;
  const share = (of: number) => `${((100 * of) / Math.max(1, events)).toFixed(1)} %`;
  return [
    `${number(events)} events in ${number(streams.reduce((sum, one) => sum + one.streams, 0))} streams, epoch ${epoch}`,
    ...(first && last
      ? [`from ${first.recordedAt} (position ${first.position}) to ${last.recordedAt} (position ${last.position})`]
      : []),
    `${mib(bytes.data)} of facts, ${mib(bytes.meta)} of meta, ${mib(bytes.sealed)} sealed; ${mib(bytes.stored)} on disk with indexes`,
    "",
    ...table([
      ["event", "count", "share", "size"],
      ...types.map((one) => [`${one.type} v${one.version}`, number(one.events), share(one.events), mib(one.bytes)]),
    ]),
    "",
    ...table([["tenant", "kind", "streams"], ...streams.map((one) => [one.tenant, one.kind, number(one.streams)])]),
    "",
    ...table([["day", "events", "size"], ...days.map((one) => [one.day, number(one.events), mib(one.bytes)])]),
  ];
}
