-- What stands in the way of actions: pauses, as they are now.

create table pause (
  -- kind:name
  scope text primary key,
  seq int8 not null,
  paused boolean not null,
  reason text not null,
  by text not null,
  since int8 not null
);

-- Models whose predictions an action was made from.
create table action_rests (
  action int8 not null,
  model text not null,
  primary key (model, action)
);

-- Rollbacks, and the last word on each of their steps; what they say is on the ledger.
create table rollback (
  id text primary key,
  seq int8 not null,
  -- running, stopped, done, dry run
  state text not null,
  scopes text[] not null,
  alarm int8,
  ended int8
);
create index rollback_alarm on rollback (alarm) where alarm is not null;

create table rollback_step (
  id text not null,
  step int4 not null,
  seq int8 not null,
  state text not null,
  primary key (id, step)
);
