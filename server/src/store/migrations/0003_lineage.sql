-- The lineage graph. What a record says of runs, and the bodies of facets, are not kept here: they are read back from
-- the record. Text may be anyone's and of any length: it is escaped where PostgreSQL could not hold it, and found by the
-- first 16 bytes of its SHA-256.

create table lineage_node (
  id int4 primary key,
  key bytea not null unique,
  kind text not null,
  namespace text not null,
  name text not null,
  -- Of a field: its name, and the node that has it.
  field text,
  owner int4,
  appeared int8 not null
);
create index lineage_node_owner on lineage_node (owner) where owner is not null;

-- One row for each time that an edge held. Withdrawn: the position of the record after which it no longer did.
create table lineage_edge (
  id int4 primary key,
  source int4 not null,
  target int4 not null,
  how text not null,
  basis text,
  transformation text,
  masking bool,
  job int4,
  appeared int8 not null,
  withdrawn int8
);
create index lineage_edge_appeared on lineage_edge (appeared);
create index lineage_edge_withdrawn on lineage_edge (withdrawn) where withdrawn is not null;
create index lineage_edge_held on lineage_edge (source, how)
  where withdrawn is null and how in ('field', 'symlink', 'rename', 'parent', 'before');

-- What follows, down to the runs, is what the next record is held against: maxima over (time, run).

-- The latest run by which a job reads or writes a dataset; the edge, while it holds.
create table lineage_use (
  job int4 not null,
  dataset int4 not null,
  writes bool not null,
  time int8 not null,
  run text not null,
  edge int4,
  primary key (job, dataset, writes)
) with (fillfactor = 80);
create index lineage_use_dataset on lineage_use (dataset, writes);

create table lineage_dataset (
  id int4 primary key,
  written int8,
  written_by text,
  dropped int8,
  dropped_by text,
  made int8,
  made_by text
) with (fillfactor = 80);

-- The latest columnLineage of a job (0: nobody's) for a dataset: what the producer states, and what its SQL says.
create table lineage_links (
  job int4 not null,
  dataset int4 not null,
  derived bool not null,
  time int8 not null,
  digest bytea not null,
  links text not null,
  edges int4[],
  primary key (dataset, job, derived)
) with (fillfactor = 80);
create index lineage_links_job on lineage_links (job);

create table lineage_facet (
  node int4 not null,
  key bytea not null,
  time int8 not null,
  digest bytea not null,
  primary key (node, key)
) with (fillfactor = 80);

-- Each content that a facet had, as it became known; taken: it was taken back.
create table lineage_facet_change (
  node int4 not null,
  name text not null,
  seq int8 not null,
  time int8 not null,
  taken bool not null
);
create index lineage_facet_change_node on lineage_facet_change (node, seq);
create index lineage_facet_change_name on lineage_facet_change (left(name, 200));

create table lineage_run (
  key bytea primary key,
  id text not null,
  time int8 not null,
  -- The latest terminal state.
  ended text,
  ended_at int8
) with (fillfactor = 80);

create table lineage_event (
  seq int8 not null,
  n int4 not null,
  run bytea not null,
  job int4,
  time int8 not null,
  state text,
  primary key (seq, n)
);
create index lineage_event_run on lineage_event (run, seq);
create index lineage_event_job on lineage_event (job, time);

create table lineage_io (
  run bytea not null,
  job int4 not null,
  dataset int4 not null,
  writes bool not null,
  -- As the run named it; '' when it did not.
  version text not null,
  seq int8 not null
);
create index lineage_io_run on lineage_io (run);
create index lineage_io_dataset on lineage_io (dataset, writes);

create table lineage_version (
  id int4 primary key,
  dataset int4 not null,
  version text not null,
  run bytea,
  time int8 not null,
  appeared int8 not null,
  withdrawn int8
);
create index lineage_version_dataset on lineage_version (dataset, time);
create index lineage_version_run on lineage_version (run);

create table lineage_change (
  dataset int4 not null,
  change text not null,
  previous int4,
  time int8 not null,
  run bytea,
  seq int8 not null
);
create index lineage_change_dataset on lineage_change (dataset, seq);
create index lineage_change_run on lineage_change (run);

-- Records that could not be read, and so say nothing in the graph.
create table lineage_unread (
  seq int8 primary key
);

-- What older records say of lineage: everything is applied again, from the first record.
delete from follower;
delete from record_count;
delete from api_key;
delete from contract;
delete from stream_count;
delete from sequence_range;
delete from quarantine;
delete from feature_view;
delete from snapshot;
delete from training_set;
delete from model_version;
delete from prediction;
delete from erasure;
delete from anchor;
delete from prediction_source;
