-- What a prediction was made for, in full; and the people of a model version, counted without sorting them.
alter table prediction add column creative text;
create index prediction_model_subject on prediction (model, subject);
create index prediction_snapshot on prediction (snapshot, model);

-- Who demands what of whose jobs: each version of a policy.
create table lineage_policy (
  name text not null,
  version int4 not null,
  seq int8 not null,
  body text not null,
  primary key (name, version)
);

-- The log may be longer than these tables: with the cursor gone, everything is followed again from its first record.
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
delete from prediction_source;
delete from erasure;
delete from anchor;
delete from follower;
