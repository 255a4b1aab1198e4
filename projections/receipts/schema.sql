-- How far each member has got.
create table marks (
  tenant text collate "C" not null,
  conversation uuid not null,
  user_id uuid not null,
  delivered bigint not null,
  read bigint not null,
  -- of what receipts say; a message raises its sender's marks by itself and leaves this as it is
  changed_position bigint not null,
  primary key (tenant, conversation, user_id)
) with (fillfactor = 70); -- sending moves marks but no index: such updates stay in their page
create index marks_changed on marks (tenant, conversation, changed_position);

-- When they got there: of one person both marks only rise, so the first row at or above a seq tells when it was passed.
create table raises (
  tenant text collate "C" not null,
  conversation uuid not null,
  user_id uuid not null,
  read bigint not null,
  delivered bigint not null,
  at timestamptz(3) not null,
  primary key (tenant, conversation, user_id, read, delivered)
);
create index raises_delivered on raises (tenant, conversation, user_id, delivered);
