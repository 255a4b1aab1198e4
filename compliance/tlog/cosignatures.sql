-- What witnesses signed of the newest checkpoints. Another one follows with each checkpoint: none of it is in a backup.
create table tlog.cosignatures (
  origin text not null,
  size bigint not null,
  witness text not null,
  -- the checkpoint as the log signed it
  note text not null,
  line text not null,
  primary key (origin, size, witness)
);
