create schema accounts;

create table accounts.tenants (
  tenant text primary key,
  founded_at timestamptz not null
);

-- What signing in needs. Names lie here as keyed hashes alone; how people are called is sealed in the log.
create table accounts.accounts (
  tenant text not null,
  user_id uuid not null,
  -- Null once the name is free for others.
  username_hash bytea,
  -- Null: nobody signs in with a password.
  password_hash text,
  -- The command that registers, or registered, this account.
  command_id uuid not null,
  claimed_at timestamptz not null,
  -- Null while the name is only claimed: the log does not know of the account yet.
  registered_at timestamptz,
  -- When the person was erased; the name stays taken for a while.
  erased_at timestamptz,
  -- What follows is folded from the log; each position is that of the event that made it so.
  roles text[] not null default '{}',
  guest boolean not null default false,
  roles_position bigint not null default 0,
  deactivated boolean not null default false,
  deactivated_position bigint not null default 0,
  primary key (tenant, user_id),
  unique (tenant, username_hash)
);

create table accounts.devices (
  tenant text not null,
  device_id uuid not null,
  user_id uuid not null,
  -- Refresh tokens are derived from it and a key outside the database; neither is of use without the other.
  refresh_seed bytea not null,
  generation integer not null,
  rotated_at timestamptz not null,
  -- When a token of the present generation was first used.
  pair_used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant, device_id)
);
create index devices_of_user on accounts.devices (tenant, user_id) where revoked_at is null;

-- `key`: a keyed hash of tenant, name and address.
create table accounts.sign_in_failures (
  key bytea not null,
  at timestamptz not null
);
create index sign_in_failures_key on accounts.sign_in_failures (key, at);
create index sign_in_failures_at on accounts.sign_in_failures (at);

-- How far the log was folded into accounts and devices, and in which of its epochs.
create table accounts.followed (
  singleton boolean primary key default true check (singleton),
  epoch integer not null,
  position bigint not null
);
