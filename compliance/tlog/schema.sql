-- The verifiable log as far as it is in order: all of it follows from the log and the tenants' keys, and may be dropped.
create schema tlog;

-- Which event an entry is of. The entry itself is made anew from that event whenever it is asked for, so that what was
-- altered shows.
create table tlog.entries (
  index bigint primary key,
  position bigint not null unique,
  link bytea not null, -- to the stream's previous event, 32 bytes
  leaf bytea not null -- 32 bytes
);
alter table tlog.entries alter column link set storage plain, alter column leaf set storage plain;

-- What is above the leaves: of each full tile its root, which is a hash of the level above.
create table tlog.roots (
  level smallint not null, -- from 1
  n bigint not null,
  hash bytea not null,
  primary key (level, n)
);

-- The newest signed checkpoint of each log that this one was: an epoch is a log of its own.
create table tlog.checkpoints (
  origin text primary key,
  size bigint not null,
  note text not null
);
