create table messages (
  tenant text collate "C" not null,
  conversation uuid not null,
  seq bigint not null,
  message_id uuid not null,
  author uuid not null,
  kind text not null,
  sent_at timestamptz(3) not null,
  edited_at timestamptz(3),
  deleted boolean not null,
  reply_to uuid,
  thread_root uuid,
  -- replies that nobody deleted
  thread_count integer not null,
  mentions uuid[] not null,
  has_link boolean not null,
  attachments json not null,
  -- of its MessageSent, and of the last event that touched it
  sent_revision bigint not null,
  revision bigint not null,
  changed_position bigint not null,
  -- as sent, and as last edited; both null once deleted
  sealed bytea,
  edit bytea,
  -- by when it is to be acknowledged, and who is told who has not; whether that time is still to come
  ack_by timestamptz(3),
  escalate_to uuid[],
  ack_open boolean,
  -- of a system message that tells so: who had not
  overdue uuid[],
  primary key (tenant, conversation, seq),
  unique (tenant, conversation, message_id)
);
create index messages_changed on messages (tenant, conversation, changed_position);
create index messages_of_thread on messages (tenant, conversation, thread_root, seq) where thread_root is not null;
create index messages_to_acknowledge on messages (ack_by, message_id) where ack_open;
create index messages_deleted on messages (tenant, conversation, seq) where deleted;

-- The edits of a message; its original is in `messages`.
create table versions (
  tenant text collate "C" not null,
  conversation uuid not null,
  seq bigint not null,
  revision bigint not null,
  edited_at timestamptz(3) not null,
  sealed bytea,
  primary key (tenant, conversation, seq, revision)
);

create table reactions (
  tenant text collate "C" not null,
  conversation uuid not null,
  seq bigint not null,
  emoji text collate "C" not null,
  user_id uuid not null,
  position bigint not null,
  primary key (tenant, conversation, seq, emoji, user_id)
);

-- Who acknowledged a message, and when.
create table acks (
  tenant text collate "C" not null,
  conversation uuid not null,
  seq bigint not null,
  user_id uuid not null,
  at timestamptz(3) not null,
  position bigint not null,
  primary key (tenant, conversation, seq, user_id)
);

-- Whom a message mentions now, its author apart: what counts as a mention that was not read.
create table mentions (
  tenant text collate "C" not null,
  conversation uuid not null,
  user_id uuid not null,
  seq bigint not null,
  primary key (tenant, conversation, user_id, seq)
);
create index mentions_of_message on mentions (tenant, conversation, seq);
