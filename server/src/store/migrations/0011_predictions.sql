-- How much of a prediction was kept (rules/capture). Not known of an erased one.
alter table prediction add column tier text;

create table capture_policy (
  name text not null,
  version int4 not null,
  seq int8 not null,
  body text not null,
  primary key (name, version)
);

-- A batch of predictions: one record, whose rows lie in files of the data folder and in no table.
create table prediction_batch (
  seq int8 primary key,
  source text not null,
  model text not null,
  snapshot int8,
  rows int8 not null,
  first_at int8 not null,
  last_at int8 not null,
  body jsonb not null
);
