create table members (
  tenant text collate "C" not null,
  conversation uuid not null,
  user_id uuid not null,
  -- [[after_seq, last_seq or null], …] in order: one for each time that the person was a member
  intervals json not null,
  present boolean not null,
  role text not null,
  joined_at timestamptz(3) not null,
  -- of the present (or last) membership's MemberAdded
  joined_position bigint not null,
  left_at timestamptz(3),
  left_position bigint,
  revision bigint not null,
  changed_position bigint not null,
  notify text not null,
  muted_until timestamptz(3),
  preferences_revision bigint not null,
  preferences_position bigint not null,
  primary key (tenant, conversation, user_id)
);
create index members_of_person on members (tenant, user_id);
create index members_changed on members (tenant, conversation, changed_position);
