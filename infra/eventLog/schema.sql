create schema log;

create table log.streams (
  stream_no integer generated always as identity primary key,
  stream text not null unique
);

-- Insert-only. `data` and `meta` are json and not jsonb: the very bytes that are hashed.
create table log.events (
  position bigint primary key,
  recorded_at bigint not null, -- ms since 1970
  stream_no integer not null,
  revision integer not null,
  command uuid not null,
  command_at smallint not null, -- its place among the events of its command
  actor uuid, -- on the first event of a command
  payload_hash bytea, -- likewise
  target uuid,
  type text not null,
  version smallint not null,
  data json not null,
  meta json not null,
  subject uuid,
  bucket text,
  sealed bytea -- commitment (32 bytes), nonce (12), ciphertext with its tag
);

-- Ciphertext does not get smaller.
alter table log.events alter column sealed set storage external;

create unique index events_by_revision on log.events (stream_no, revision);
create unique index events_by_command on log.events (stream_no, command) where command_at = 0;
create index events_by_target on log.events (stream_no, target, revision) where target is not null;

create table log.epochs (
  epoch integer primary key,
  raised_at timestamptz not null default now(),
  head bigint not null -- where the log ended then
);
insert into log.epochs (epoch, head) values (1, 0);

-- Judges each append of a batch by itself and inserts those that stand. Arrays run over appends, or over all their events.
-- expected: null takes any revision. event_append: whose an event is (from 1); place: where it stands in its append (from 0).
-- actors, payload_hashes: on the first event of each command. days: a UTC day number that its recording must fit, or null.
-- known_head, known_epoch: what the caller has seen; a log that lies behind that has lost a tail, and takes nothing.
-- Gives a row for append 0 (the head before and the time, both of the whole batch) and one for each append whose outcome or
-- revision the caller cannot know: those that were refused, and those that took any revision. The others were inserted.
-- A plan made while the table is empty would scan it for ever: callers set enable_seqscan = off (for their connection: a
-- SET of the function costs more than judging ten appends), and there is one index probe a command.
create function log.append(
  streams text[], expected integer[], sizes integer[],
  event_append integer[], places integer[], commands uuid[], ordinals smallint[], actors uuid[], payload_hashes bytea[],
  targets uuid[], types text[], versions smallint[], subjects uuid[], buckets text[], days integer[],
  clock bigint, known_head bigint, known_epoch integer,
  datas json[], metas json[], seals bytea[],
  out append integer, out outcome text, out revision integer, out duplicates uuid[], out head bigint, out recorded_at bigint
) returns setof record language plpgsql as $$
declare
  last bigint;
  now_ms bigint;
begin
  perform pg_advisory_xact_lock(7306572);
  -- Statements after the lock see what was committed while it was awaited.
  select e.position, e.recorded_at into last, now_ms from log.events e order by e.position desc limit 1;
  last := coalesce(last, 0);
  now_ms := greatest(now_ms, coalesce(clock, (extract(epoch from clock_timestamp()) * 1000)::bigint));
  if last < known_head or known_epoch <> (select max(epoch) from log.epochs) then
    raise exception 'the log lies at % and is not the one that was seen at %, epoch %', last, known_head, known_epoch
      using errcode = 'SC001';
  end if;

  return query
  with asked as materialized (
    select a.n::integer as n, a.stream, a.expected, a.size, s.stream_no, coalesce(newest.revision, -1) as head_revision
    from unnest(streams, expected, sizes) with ordinality as a(stream, expected, size, n)
    left join log.streams s on s.stream = a.stream
    left join lateral (
      select e.revision from log.events e where e.stream_no = s.stream_no order by e.revision desc limit 1
    ) newest on true
  ),
  repeated as materialized (
    select asked.n, array_agg(c.command) as commands
    from unnest(event_append, commands, ordinals) as c(append, command, ordinal)
    join asked on asked.n = c.append
    cross join lateral (
      select from log.events e
      where e.stream_no = asked.stream_no and e.command = c.command and e.command_at = 0 limit 1
    ) before
    where c.ordinal = 0
    group by asked.n
  ),
  stale as materialized (
    select distinct d.append from unnest(event_append, days) as d(append, day)
    where d.day not in (now_ms / 86400000, now_ms / 86400000 - 1)
  ),
  judged as materialized (
    select asked.*, repeated.commands as repeated,
      case
        when repeated.n is not null then 'duplicate'
        when asked.expected <> asked.head_revision then 'conflict'
        when stale.append is not null then 'stale-bucket'
        else 'ok'
      end as outcome
    from asked left join repeated using (n) left join stale on stale.append = asked.n
  ),
  created as (
    insert into log.streams (stream)
    select j.stream from judged j where j.outcome = 'ok' and j.stream_no is null order by j.n
    returning streams.stream_no, streams.stream
  ),
  placed as materialized (
    select j.n, coalesce(j.stream_no, created.stream_no) as stream_no, j.head_revision + 1 as revision,
      last + 1 + sum(j.size) over (order by j.n) - j.size as position
    from judged j left join created using (stream)
    where j.outcome = 'ok'
  ),
  inserted as (
    insert into log.events (position, recorded_at, stream_no, revision, command, command_at, actor, payload_hash,
      target, type, version, data, meta, subject, bucket, sealed)
    select p.position + e.place, now_ms, p.stream_no, p.revision + e.place, e.command, e.ordinal, e.actor,
      e.payload_hash, e.target, e.type, e.version, e.data, e.meta, e.subject, e.bucket, e.sealed
    from unnest(event_append, places, commands, ordinals, actors, payload_hashes, targets, types, versions, datas,
      metas, subjects, buckets, seals)
      as e(append, place, command, ordinal, actor, payload_hash, target, type, version, data,
        meta, subject, bucket, sealed)
    join placed p on p.n = e.append
  )
  select 0, 'batch', null::integer, null::uuid[], last, now_ms
  union all
  select j.n, j.outcome, j.head_revision, j.repeated, null, null
  from judged j where j.outcome <> 'ok' or j.expected is null;
end $$;
