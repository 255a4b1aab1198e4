-- Wrapped secrets, and what was destroyed. In production a Postgres cluster of its own.
create schema keys;

-- Half of a content key each, or a key of the whole tenant; 32 bytes under a wrap of 60.
create table keys.secrets (
  tenant text collate "C" not null,
  -- Of a bucket secret: its UTC day, or '-'. Empty of all others.
  bucket text collate "C" not null,
  -- A person, a conversation, a stream, or the purpose of a tenant key.
  owner text collate "C" not null,
  -- Null of a bucket secret: the tenant's day key of that bucket wraps it.
  week_key text collate "C",
  wrapped bytea not null,
  primary key (tenant, bucket, owner),
  check ((bucket = '') = (week_key is not null))
);
create index secrets_by_week_key on keys.secrets (tenant, week_key) where week_key is not null;

create table keys.day_keys (
  tenant text collate "C" not null,
  bucket text collate "C" not null check (bucket <> ''),
  week_key text collate "C" not null,
  wrapped bytea not null,
  primary key (tenant, bucket)
);
create index day_keys_by_week_key on keys.day_keys (tenant, week_key);

-- What was destroyed, in order, for ever: a secret that is named here is never made again.
create table keys.ledger (
  position bigint primary key,
  tenant text collate "C" not null,
  bucket text collate "C" not null,
  owner text collate "C" not null,
  destroyed_at timestamptz not null default now(),
  unique (tenant, bucket, owner)
);
