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
