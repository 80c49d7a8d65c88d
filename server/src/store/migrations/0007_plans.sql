-- Plans that were applied: each names the one before it, so that only one can follow.
create table declaration_plan (
  seq int8 primary key,
  previous int8,
  digest text not null,
  body jsonb not null
);

-- What a plan took out of force, and the position at which it came back as it was.
create table declaration_removal (
  kind text not null,
  name text not null,
  seq int8 not null,
  until int8,
  primary key (kind, name, seq)
);

-- A change of owner, description or tags is another text of the same version.
alter table feature_view add column revision int4 not null default 1;
alter table feature_view add column revised int8;
