-- What monitors count, and what they raised. Nothing here leads to a person: an erasure leaves it as it is.

-- Facts about messages: that they were sent, and what came of them.
create table observation (
  seq int8 primary key,
  -- From which record on it is known of which message; null until a delivery says so.
  at int8,
  recorded int8,
  -- The record of the action.
  action int8,
  fact text not null,
  -- Keyed digest of the provider's id, where the action is not known otherwise.
  message text,
  environment text,
  campaign text,
  creative text,
  model text,
  prompt text,
  agent text
);
create index observation_at on observation (at, seq) where at is not null;
create index observation_waiting on observation (message) where at is null;

-- Which action a message is: the first delivery that named it.
create table observed_message (message text primary key, action int8 not null);

create table alarm (
  seq int8 primary key,
  id text not null,
  monitor text not null,
  version int4 not null,
  by text not null,
  grp text not null,
  -- The record that made it so.
  at int8 not null,
  does text not null,
  body jsonb not null,
  -- When it was dealt with, and by whom.
  cleared int8,
  clearance jsonb
);
create index alarm_monitor on alarm (monitor, seq);
create index alarm_raised on alarm (does, seq) where cleared is null;
