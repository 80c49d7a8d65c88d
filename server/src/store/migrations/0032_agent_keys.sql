-- A key that an agent was given: with it only actions of this agent may be proposed.

alter table api_key add column agent text;
