-- Legal holds: a scope, and a key of its own under which content keys are kept that would be gone otherwise.
create table keys.holds (
  tenant text collate "C" not null,
  hold_id uuid not null,
  -- Null: wherever the person wrote.
  conversation uuid,
  -- Null: whoever wrote there.
  person uuid,
  -- UTC days, both included; null: without an end.
  from_day text collate "C",
  to_day text collate "C",
  placed_at timestamptz not null default now(),
  week_key text collate "C" not null,
  wrapped bytea not null,
  primary key (tenant, hold_id),
  check (conversation is not null or person is not null)
);
create index holds_by_week_key on keys.holds (tenant, week_key);

-- Content keys of which a half was destroyed, each under its hold's key.
create table keys.held_keys (
  tenant text collate "C" not null,
  hold_id uuid not null,
  stream text collate "C" not null,
  subject text collate "C" not null,
  bucket text collate "C" not null,
  wrapped bytea not null,
  primary key (tenant, hold_id, stream, subject, bucket),
  foreign key (tenant, hold_id) references keys.holds on delete cascade
);
create index held_keys_by_name on keys.held_keys (tenant, stream, subject, bucket);
