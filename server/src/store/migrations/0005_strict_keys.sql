-- A strict key's OpenLineage events must keep to the specification.
alter table api_key add column strict boolean not null default false;
