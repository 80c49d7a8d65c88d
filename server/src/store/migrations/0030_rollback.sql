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
