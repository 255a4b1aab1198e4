-- Days of conversations whose messages are past retention and whose devices are not told yet.
create table compliance.retirements (
  tenant text not null,
  conversation uuid not null,
  day text not null,
  -- When its secret was destroyed; null: it is about to be.
  destroyed_at timestamptz,
  primary key (tenant, conversation, day)
);
