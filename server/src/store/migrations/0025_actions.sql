-- Actions, what became of them, and what of them waits for a sender.

create table action (
  seq int8 primary key,
  -- Whose it is; of an action that concerns nobody, its actor's.
  subject text,
  personal boolean not null,
  type text not null,
  actor text not null,
  campaign text,
  creative text,
  model text,
  prompt text,
  purpose text not null,
  channel text,
  environment text not null,
  -- Microseconds: when it was decided, recorded, and released.
  at int8 not null,
  recorded_at int8 not null,
  released_at int8,
  -- refused, held, queued, claimed, sent, failed, suppressed; released in shadow: shadow
  state text not null,
  shadow boolean not null,
  -- Keyed digest of the provider's id of the message.
  message text
);
create index action_subject on action (subject, seq);
create index action_campaign on action (campaign, seq);
create index action_actor on action (actor, seq);
create index action_model on action (model, seq);
create index action_state on action (state, seq);
create index action_message on action (message) where message is not null;

create table action_source (source text primary key);

create table action_review (
  seq int8 primary key,
  action int8 not null,
  step text not null,
  reviewer text not null,
  assigned text,
  due int8,
  statement text,
  at int8 not null
);
create index action_review_of on action_review (action, seq);

create table outbox (
  seq int8 primary key,
  released int8 not null,
  subject text not null,
  refs jsonb not null,
  not_before int8 not null,
  attempts int4 not null,
  claim int8,
  until int8,
  -- A withdrawal after the claim, and one before any.
  withdrawn int8,
  suppressed int8
);
create index outbox_subject on outbox (subject);

create table action_claim (
  seq int8 primary key,
  action int8 not null,
  at int8 not null,
  until int8 not null,
  claimant text not null
);
create index action_claim_of on action_claim (action, seq);

create table action_delivery (
  seq int8 primary key,
  action int8 not null,
  claim int8 not null,
  at int8 not null,
  status text not null,
  late boolean not null,
  withdrawn int8
);
create index action_delivery_of on action_delivery (action, seq);
