-- What the projector knows about its own work. Outside the read models: a rebuild gives equal rows without it.
create schema if not exists ops;

create table if not exists ops.checkpoints (
  -- the Postgres schema that holds this generation of the read model
  schema text primary key,
  projection text not null,
  version integer not null,
  epoch bigint not null,
  position bigint not null,
  -- live: the one that is read; folding: a rebuild fills it; joined: it moves with the live one until it takes its place
  phase text not null default 'live'
);

-- Only where it is missing: even an idle `alter table` would wait for whoever reads it, and have the projector wait.
do $$ begin
  if not exists (select from pg_attribute where attrelid = 'ops.checkpoints'::regclass and attname = 'phase') then
    alter table ops.checkpoints add column phase text not null default 'live';
  end if;
end $$;

create table if not exists ops.parked (
  schema text not null references ops.checkpoints on update cascade on delete cascade,
  stream text not null,
  -- the first event that is not in the rows
  position bigint not null,
  error text not null,
  parked_at timestamptz not null default now(),
  primary key (schema, stream)
);

create table if not exists ops.resync (
  tenant text not null,
  conversation uuid not null,
  resync_position bigint not null,
  primary key (tenant, conversation)
);

-- Conversations of which a rebuild found other rows than those that devices were sent.
create table if not exists ops.differing (
  schema text not null references ops.checkpoints on update cascade on delete cascade,
  tenant text not null,
  conversation uuid not null,
  primary key (schema, tenant, conversation)
);

-- Only where it is missing, as above.
do $$ begin
  if to_regclass('ops.resync_by_position') is null then
    create index resync_by_position on ops.resync (resync_position);
  end if;
end $$;

-- Moves the checkpoints of those of these generations that stand at a position. `resynced`: all beyond that position.
create or replace function ops.move_checkpoints(schemas text[], since bigint, up_to bigint)
returns table (schema text, parked text[], resynced json) language plpgsql as $$
declare
  moved text[];
begin
  perform set_config('synchronous_commit', 'off', true);
  with gone_on as (
    update ops.checkpoints c set position = up_to where c.schema = any(schemas) and c.position = since returning c.schema
  )
  select array_agg(g.schema) from gone_on g into moved;
  -- A statement of its own: an un-parking may have been waited for, and what it committed is to be seen.
  return query
  select m.schema, array(select p.stream from ops.parked p where p.schema = m.schema),
    coalesce((select json_agg(json_build_object(
      'tenant', r.tenant, 'conversationId', r.conversation, 'position', r.resync_position, 'written', r.xmin::text))
      from ops.resync r where r.resync_position > since), '[]')
  from unnest(moved) m(schema);
end $$;

-- A column that came later: what an older program folded is read as it stands.
do $$ begin
  if to_regclass('inbox.conversations') is not null and not exists (
    select from pg_attribute where attrelid = to_regclass('inbox.conversations') and attname = 'expired_to') then
    alter table inbox.conversations add column expired_to bigint;
  end if;
  if to_regclass('inbox__next.conversations') is not null and not exists (
    select from pg_attribute where attrelid = to_regclass('inbox__next.conversations') and attname = 'expired_to') then
    alter table inbox__next.conversations add column expired_to bigint;
  end if;
end $$;

-- Likewise: what acknowledgements need. No log that an older program folded holds any.
do $$
declare
  generation text;
begin
  foreach generation in array array['history', 'history__next'] loop
    if to_regclass(generation || '.messages') is not null and to_regclass(generation || '.acks') is null then
      execute format('alter table %I.messages add column ack_by timestamptz(3), add column escalate_to uuid[],
        add column ack_open boolean, add column overdue uuid[]', generation);
      execute format('create table %I.acks (tenant text collate "C" not null, conversation uuid not null,
        seq bigint not null, user_id uuid not null, at timestamptz(3) not null, position bigint not null,
        primary key (tenant, conversation, seq, user_id))', generation);
      execute format('create index messages_to_acknowledge on %I.messages (ack_by, message_id) where ack_open', generation);
    end if;
  end loop;
end $$;
