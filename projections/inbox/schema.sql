create table conversations (
  tenant text collate "C" not null,
  conversation uuid not null,
  kind text not null,
  history_visibility text not null,
  -- where it last became "joined": whoever saw more holds what is no longer theirs
  narrowed_position bigint not null,
  name bytea,
  description bytea,
  avatar uuid,
  -- the two of a direct conversation, else empty
  peers uuid[] not null,
  member_count integer not null,
  revision bigint not null,
  changed_position bigint not null,
  -- up to there messages are past retention
  expired_to bigint,
  primary key (tenant, conversation)
);

-- Moves with every event that sync can send; not indexed on what moves, so that its updates stay in place.
create table conv_head (
  tenant text collate "C" not null,
  conversation uuid not null,
  position bigint not null,
  last_seq bigint not null,
  activity_position bigint not null,
  primary key (tenant, conversation)
) with (fillfactor = 50);
