-- Objections to profiling and marketing, and approvals of what is on the log.
create table objection (
  seq int8 primary key,
  subject text not null,
  purpose text not null,
  withdrawn boolean not null,
  at int8 not null
);
create index objection_subject on objection (subject);

create table approval (
  seq int8 primary key,
  kind text not null,
  id text not null,
  body jsonb not null
);
create index approval_about on approval (kind, id);
