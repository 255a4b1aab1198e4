-- What was asked for and waits for a second officer, or is approved and not carried out, so that none is forgotten: how far
-- each has come is in its own stream of the log.
create table compliance.approvals (
  tenant text not null,
  case_id uuid not null,
  asked_at timestamptz not null,
  -- Carried out, refused for good, or lapsed.
  closed boolean not null default false,
  primary key (tenant, case_id)
);
create index approvals_open on compliance.approvals (asked_at) where not closed;
