-- Nothing is kept; but who has a channel has a database, in which its history is looked up.
create table said (room text primary key);
