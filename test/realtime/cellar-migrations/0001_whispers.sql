create table whispers (seq bigint primary key);
