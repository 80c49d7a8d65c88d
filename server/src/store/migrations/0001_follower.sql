create table follower (
  name text primary key,
  next int8 not null
);
