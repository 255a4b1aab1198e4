create schema if not exists compliance;

-- Erasures that were asked for, so that none is forgotten: how far each has come is in its own stream of the log.
create table compliance.erasures (
  tenant text not null,
  erasure_id uuid not null,
  user_id uuid not null,
  asked_at timestamptz not null,
  -- Final: nothing is left to do.
  closed boolean not null default false,
  primary key (tenant, erasure_id)
);
create index erasures_of_person on compliance.erasures (tenant, user_id);
create index erasures_open on compliance.erasures (asked_at) where not closed;
