-- Everything below is derived from the ledger and can be dropped and made again. Nothing in it names a person: a
-- subject is a random id that leaves with its key.

create table record_count (
  kind text primary key,
  records int8 not null
);

create table api_key (
  id text primary key,
  name text not null,
  source text not null,
  scopes text[] not null,
  digest text not null unique,
  created text not null,
  revoked text
);

create table contract (
  stream text not null,
  version text not null,
  seq int8 not null,
  body text not null,
  primary key (stream, version)
);

create table stream_count (
  stream text not null,
  outcome text not null,
  records int8 not null,
  primary key (stream, outcome)
);

-- The sequence numbers seen of a source, as closed ranges; what lies between two ranges is a gap.
create table sequence_range (
  stream text not null,
  source text not null,
  first int8 not null,
  last int8 not null,
  primary key (stream, source, first)
);

create table quarantine (
  seq int8 primary key,
  stream text not null,
  source text not null,
  reason text not null,
  released int8
);
create index quarantine_stream on quarantine (stream, seq);

create table feature_view (
  name text not null,
  version int4 not null,
  fingerprint text not null,
  seq int8 not null,
  body text not null,
  primary key (name, version)
);

create table snapshot (
  id int8 primary key,
  view text not null,
  body jsonb not null
);

create table training_set (
  id text primary key,
  seq int8 not null,
  body jsonb not null
);

create table model_version (
  name text not null,
  version int4 not null,
  seq int8 not null,
  body jsonb not null,
  primary key (name, version)
);

-- Of an erased prediction only what the log itself shows remains: position, model, snapshot.
create table prediction (
  seq int8 primary key,
  model text not null,
  snapshot int8,
  subject text,
  campaign text,
  at int8
);
create index prediction_subject on prediction (subject, seq);
create index prediction_model on prediction (model, seq);
create index prediction_campaign on prediction (campaign, seq);
create index prediction_at on prediction (at, seq);

create table erasure (
  seq int8 primary key,
  body jsonb not null
);

create table anchor (
  seq int8 primary key,
  body jsonb not null
);

-- Whose predictions there are: an id is looked up under each source.
create table prediction_source (
  source text primary key
);
