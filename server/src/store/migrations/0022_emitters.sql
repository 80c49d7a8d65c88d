-- What emitters say of themselves, the newest word of each, and which of their numbers stand on the ledger, as closed
-- ranges; what lies between two ranges, or below the first, came to no record.
create table emission (
  stream text not null,
  source text not null,
  emitter text not null,
  seq int8 not null,
  body text not null,
  primary key (stream, source, emitter)
);

create table emitter_range (
  stream text not null,
  source text not null,
  emitter text not null,
  first int8 not null,
  last int8 not null,
  primary key (stream, source, emitter, first)
);
