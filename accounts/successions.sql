-- Who was deactivated or erased, and may own groups that need another owner now. A row goes once those have one.
create table accounts.successions (
  tenant text not null,
  user_id uuid not null,
  -- Of the log, when it came here last.
  position bigint not null,
  primary key (tenant, user_id)
);
