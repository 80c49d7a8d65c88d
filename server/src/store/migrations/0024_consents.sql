-- What receipts say of each purpose on each channel. `at` of what denies is never later than its record; `receipt` is the
-- receipt's id where that is a UUID, in hex: any other id may say something, and stays sealed.
create table consent_said (
  seq int8 not null,
  part int4 not null,
  subject text not null,
  purpose text not null,
  channel text,
  state text not null,
  basis text not null,
  jurisdiction text,
  notice text,
  at int8 not null,
  until int8,
  receipt text,
  version int4 not null,
  primary key (seq, part)
);
create index consent_said_subject on consent_said (subject);

-- Without a channel an objection is to all of them.
alter table objection add column channel text;
