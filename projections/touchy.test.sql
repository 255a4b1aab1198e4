create table seen (stream text not null, position bigint not null);
