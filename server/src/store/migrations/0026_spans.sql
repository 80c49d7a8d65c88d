-- Spans of traces, as they stand on the ledger. A trace id is random; the id of an action is its keyed digest, as an id may
-- name a person.
create table span (
  seq int8 primary key,
  trace text not null,
  action text,
  subject text
);
create index span_trace on span (trace);
create index span_action on span (action);
create index span_subject on span (subject);
