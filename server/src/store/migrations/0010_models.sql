-- Training runs as they were told, by each source in each way; aliases of model versions; what a version names.

create table training_run (
  id text not null,
  source text not null,
  told text not null,
  system text not null,
  seq int8 not null,
  body jsonb not null,
  primary key (id, source, told)
);
create index training_run_seq on training_run (seq);

create table model_alias (
  name text not null,
  environment text not null,
  alias text not null,
  version int4,
  seq int8 not null,
  primary key (name, environment, alias)
);

create table model_alias_change (
  seq int8 primary key,
  name text not null,
  environment text not null,
  alias text not null,
  version int4,
  recorded text not null,
  source text not null,
  reason text
);
create index model_alias_change_of on model_alias_change (name, environment, alias, seq);

alter table model_version add column run text;
alter table model_version add column artifact text;
-- Whether the artifact was in the store when the version was registered.
alter table model_version add column kept boolean not null default false;
update model_version set run = body->'run'->>'id', artifact = body->'artifact'->>'sha256';
create index model_version_run on model_version (run);
create index model_version_artifact on model_version (artifact);
