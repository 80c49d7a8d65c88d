-- Policies of every kind, by their versions.

create table policy_version (
  kind text not null,
  name text not null,
  version int4 not null,
  seq int8 not null,
  body text not null,
  primary key (kind, name, version)
);
insert into policy_version select 'policy', name, version, seq, body from lineage_policy;
insert into policy_version select 'capture', name, version, seq, body from capture_policy;
drop table lineage_policy;
drop table capture_policy;
