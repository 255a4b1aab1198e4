create schema if not exists compliance;

-- Who looked at what, told before it was shown. Each entry's hash covers the one before it: none can be taken out or
-- altered unseen. Ids, times and numbers; nothing personal beside them.
create table compliance.access_log (
  tenant text collate "C" not null,
  entry bigint not null, -- dense from 1 in a tenant
  at timestamptz(3) not null,
  actor uuid, -- null: the operator's own hand, on the machine itself
  device uuid,
  action text not null,
  about json not null, -- the very bytes that are hashed
  previous bytea not null,
  hash bytea not null,
  primary key (tenant, entry)
);
