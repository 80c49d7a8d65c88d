-- The Iceberg tables as the ledger has decided them: which metadata is current, which snapshots there are or were, and
-- which files belong to a table, with the digest of each.
create table table_head (
  name text primary key,
  version int4 not null,
  seq int8 not null,
  metadata text not null,
  snapshot int8,
  body jsonb not null
);

create table table_snapshot (
  table_name text not null,
  id int8 not null,
  seq int8 not null,
  operation text not null,
  expired int8,
  primary key (table_name, id)
);

create table table_file (
  path text primary key,
  table_name text not null,
  kind text not null,
  sha256 text not null,
  bytes int8 not null,
  rows int8,
  source text,
  hashes text,
  seq int8 not null
);
create index table_file_table on table_file (table_name, kind);
