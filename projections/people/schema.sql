create table people (
  tenant text collate "C" not null,
  user_id uuid not null,
  imported boolean not null,
  -- what was sealed at registration: user name and first display name
  registered bytea,
  -- the newest display name, null while it is the first
  profile bytea,
  avatar uuid,
  preferences json,
  deactivated boolean not null,
  -- of the person's stream, at the last change of what others see
  revision bigint not null,
  changed_position bigint not null,
  -- the same of what only the person sees
  own_revision bigint not null,
  own_position bigint not null,
  primary key (tenant, user_id)
);

create index people_changed on people (tenant, changed_position);

create table devices (
  tenant text collate "C" not null,
  user_id uuid not null,
  device_id uuid not null,
  platform text not null,
  name bytea,
  signed_in_at timestamptz(3) not null,
  signed_out_at timestamptz(3),
  primary key (tenant, user_id, device_id)
);

create table roles (
  tenant text collate "C" not null,
  user_id uuid not null,
  roles text[] not null,
  guest boolean not null,
  changed_position bigint not null,
  primary key (tenant, user_id)
);
