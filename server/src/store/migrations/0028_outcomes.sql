-- What came of actions: deliveries, opens, clicks, complaints, as providers and people tell them.

create table outcome (
  seq int8 primary key,
  -- The action that it is about; null: of an unknown message, or one whose delivery is still to come.
  action int8,
  -- By what: message, action, recipient; and from which position on that is known.
  tie text,
  tied int8,
  -- Whose it is: the person of the action where it is tied; and under whose key the record lies.
  subject text not null,
  sealed text not null,
  -- True: under the key of an address or a message, because nobody knew then whose it is.
  unowned boolean not null,
  type text not null,
  -- Microseconds: when it happened, by the provider's clock, and when it was recorded.
  time int8 not null,
  recorded int8 not null,
  provider text not null,
  webhook text,
  -- Keyed digest of the provider's id of the message.
  message text,
  late boolean not null,
  -- Of the action; of an outcome that is not tied, what the provider's tags say.
  campaign text,
  creative text,
  agent text,
  prompt text,
  model text,
  channel text,
  environment text
);
create index outcome_action on outcome (action, seq) where action is not null;
create index outcome_waiting on outcome (message) where action is null and message is not null;
create index outcome_subject on outcome (subject);
create index outcome_sealed on outcome (sealed);
create index outcome_campaign on outcome (campaign, type);
create index outcome_type on outcome (type, seq);

-- Which action a message is: the first delivery that named it.
create table outcome_message (
  message text primary key,
  action int8 not null,
  subject text not null,
  seq int8 not null
);
create index outcome_message_subject on outcome_message (subject);
create index outcome_message_action on outcome_message (action);

-- To which address an action goes, as a keyed digest.
create table outcome_address (
  action int8 primary key,
  address text not null,
  subject text not null
);
create index outcome_address_of on outcome_address (address, action);
create index outcome_address_subject on outcome_address (subject);

-- Addresses of people to which nothing can be delivered, until something is.
create table undeliverable (
  subject text not null,
  channel text not null,
  address text not null,
  seq int8 not null,
  primary key (subject, channel, address)
);
