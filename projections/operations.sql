-- What the projector knows about its own work. Outside the read models: a rebuild gives equal rows without it.
create schema if not exists ops;

create table if not exists ops.checkpoints (
  -- the Postgres schema that holds this generation of the read model
  schema text primary key,
  projection text not null,
  version integer not null,
  epoch bigint not null,
  position bigint not null
);

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
