-- The movies as PostgreSQL keeps them. The program runs each numbered block once, in order, in one transaction, and
-- counts in reelcache.migration how far it came. A block that was ever released is never edited: add the next one.

-- migration 1

-- An id's turn: inserts of one id follow one another. 1,024 turns are shared by all ids, so that a statement over a
-- million rows cannot exhaust the server's lock table.
create function reelcache.turn_of(id text) returns integer
language sql immutable parallel safe
return pg_catalog.hashtext(id) & 1023;

create function reelcache.take_turn(id text) returns void
language sql volatile
return pg_catalog.pg_advisory_xact_lock(1919247459, reelcache.turn_of(id));

create function reelcache.microseconds() returns bigint
language sql volatile
return (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint;

-- core.model.fold and core.model.words_of, nearly: only for rows that somebody edits by hand in psql. The program
-- computes both itself, so that every store orders and finds alike.
create function reelcache.fold(text) returns text
language sql immutable parallel safe
return replace(lower(regexp_replace(normalize($1, nfkd), '[\u0300-\u036f]+', '', 'g')), 'ß', 'ss');

create function reelcache.words_of(texts text[]) returns text[]
language sql immutable parallel safe
begin atomic
  select coalesce(array_agg(distinct left(word, 500)), '{}')
  from unnest(texts) as given (words)
  cross join unnest(regexp_split_to_array(reelcache.fold(given.words), '\s+')) as token
  cross join lateral (select array(select found[1] from regexp_matches(token, '[[:alnum:]]+', 'g') as found)) as split (runs)
  cross join unnest(
    case cardinality(runs) when 0 then array[token] when 1 then runs else runs || array_to_string(runs, '') end
  ) as word
  where word <> '';
end;

create table reelcache.movies (
  id text collate "C" primary key,
  version bigint not null default 1,
  title text not null,
  year integer,
  released date,
  runtime integer,
  rated text,
  genres text[] not null default '{}',
  countries text[] not null default '{}',
  languages text[] not null default '{}',
  directors text[] not null default '{}',
  writers text[] not null default '{}',
  "cast" text[] not null default '{}',
  imdb_id text,
  imdb_rating double precision,
  imdb_votes integer,
  metacritic integer,
  tomatometer integer,
  critic_rating double precision,
  critic_reviews integer,
  oscars_won integer,
  oscar_nominations integer,
  box_office bigint,
  type text,
  plot text,
  poster text,
  title_key text collate "C" not null,
  words tsvector not null
);

-- The last version that a removed id had, so that a re-insert goes on above it even if the clock was set back. The row
-- with an empty id speaks for all ids: it is left by TRUNCATE.
create table reelcache.removals (
  id text collate "C" primary key,
  version bigint not null
);

create table reelcache.notes (
  name text primary key,
  text text not null
);

-- Versions are set here, whatever the statement says, so that an edit by hand counts too. A statement of the program
-- gives version 0 to say that title_key and words fit the title and the names; any other statement gets them computed.
create function reelcache.stamp_movie() returns trigger
language plpgsql as $$
declare
  keys_given constant boolean := new.version = 0 and new.title_key is not null and new.words is not null;
begin
  if tg_op = 'INSERT' then
    -- The clock may be read only when no insert or delete of this id is under way: a row that waited behind a delete
    -- with a version from before would be older than its own removal. The turn keeps inserts away, the lock deletes.
    perform reelcache.take_turn(new.id);
    perform from reelcache.movies where id = new.id for key share;
    new.version := greatest(
      reelcache.microseconds(),
      (select max(version) + 1 from reelcache.removals where id in (new.id, ''))
    );
  else
    if new.id <> old.id then
      raise exception 'the id of a movie never changes (% to %)', old.id, new.id using errcode = 'check_violation';
    end if;
    new.version := greatest(old.version + 1, reelcache.microseconds());
  end if;
  if not keys_given and (
    tg_op = 'INSERT'
    or (new.title, new.directors, new."cast") is distinct from (old.title, old.directors, old."cast")
  ) then
    new.title_key := left(reelcache.fold(new.title), 500);
    new.words := array_to_tsvector(reelcache.words_of(new.title || new.directors || new."cast"));
  end if;
  return new;
end
$$;

create trigger stamp before insert or update on reelcache.movies
for each row execute function reelcache.stamp_movie();

create function reelcache.remember_removal() returns trigger
language plpgsql as $$
begin
  insert into reelcache.removals values (old.id, greatest(old.version + 1, reelcache.microseconds()))
  on conflict (id) do update set version = greatest(excluded.version, removals.version + 1);
  return old;
end
$$;

create trigger remember before delete on reelcache.movies
for each row execute function reelcache.remember_removal();

create function reelcache.remember_all_removals() returns trigger
language plpgsql as $$
begin
  insert into reelcache.removals
  select '', greatest(reelcache.microseconds(), (select max(version) + 1 from reelcache.movies))
  on conflict (id) do update set version = greatest(excluded.version, removals.version + 1);
  return null;
end
$$;

create trigger remember_all before truncate on reelcache.movies
for each statement execute function reelcache.remember_all_removals();

-- Removes a movie whose version is still `base`; the version of the removal, or null when nothing was removed.
create function reelcache.remove_movie(which text, base bigint) returns bigint
language plpgsql as $$
begin
  delete from reelcache.movies where id = which and version = base;
  if not found then
    return null;
  end if;
  return (select version from reelcache.removals where id = which);
end
$$;

-- One index for each order: a window at any offset reads (value, id) from the index alone, forwards or backwards.
create index movies_title on reelcache.movies (title_key, id);
create index movies_year on reelcache.movies (year, id);
create index movies_released on reelcache.movies (released, id);
create index movies_runtime on reelcache.movies (runtime, id);
create index movies_imdb_rating on reelcache.movies (imdb_rating, id);
create index movies_imdb_votes on reelcache.movies (imdb_votes, id);
create index movies_metacritic on reelcache.movies (metacritic, id);
create index movies_tomatometer on reelcache.movies (tomatometer, id);
create index movies_critic_rating on reelcache.movies (critic_rating, id);
create index movies_critic_reviews on reelcache.movies (critic_reviews, id);
create index movies_oscars_won on reelcache.movies (oscars_won, id);
create index movies_oscar_nominations on reelcache.movies (oscar_nominations, id);
create index movies_box_office on reelcache.movies (box_office, id);
create index movies_imdb_id on reelcache.movies (imdb_id);
create index movies_genres on reelcache.movies using gin (genres);
create index movies_words on reelcache.movies using gin (words);

-- migration 2

-- The change log: what was committed and not yet carried into the cache. Rows are written by the triggers below in the
-- transaction of the change, and deleted by whoever applied them. An empty id stands for every movie.
create table reelcache.outbox (
  seq bigint generated always as identity primary key,
  id text collate "C" not null,
  version bigint not null,
  forced boolean not null default false,
  at timestamptz not null default clock_timestamp()
);

-- Copies of the program that committed a write which they could not tell the cache.
create table reelcache.suspensions (
  holder text primary key,
  until timestamptz not null
);

-- One row: what the name of this collection is made of. A copy of the table has another oid, so a restored dump or a
-- database made from this one as its template is another collection, and nothing cached of this one counts for it.
create table reelcache.collection (
  secret uuid not null
);
insert into reelcache.collection values (gen_random_uuid());

create function reelcache.collection_uid() returns text
language sql stable
return (
  select left(encode(sha256(convert_to(concat_ws(' ', secret, collection.tableoid, database.oid), 'UTF8')), 'hex'), 16)
  from reelcache.collection, pg_catalog.pg_database as database
  where database.datname = current_database()
);

-- Security definer: who may edit a movie need not be granted the log too. The notification wakes the followers that
-- listen; nothing depends on it. A replicated change skips the trigger `stamp`, so its version proves nothing.
create function reelcache.log_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' and old.id is distinct from new.id then
    insert into reelcache.outbox (id, version, forced) values (
      old.id, greatest(old.version + 1, (select version from reelcache.removals where id = old.id)), true
    );
  end if;
  if tg_op <> 'DELETE' then
    insert into reelcache.outbox (id, version, forced)
    values (new.id, new.version, current_setting('session_replication_role') = 'replica');
  end if;
  notify reelcache;
  return null;
end
$$;

create function reelcache.log_change_of_all() returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  insert into reelcache.outbox (id, version, forced) values ('', reelcache.microseconds(), true);
  select pg_notify('reelcache', '');
end;

create function reelcache.log_truncation() returns trigger
language plpgsql as $$
begin
  perform reelcache.log_change_of_all();
  return null;
end
$$;

-- A load of the program says that it is one, and logs one change of all in the place of thousands.
create trigger log after insert or update or delete on reelcache.movies
for each row when (current_setting('reelcache.load', true) is distinct from 'on')
execute function reelcache.log_change();

create trigger log_all after truncate on reelcache.movies
for each statement execute function reelcache.log_truncation();

alter table reelcache.movies enable always trigger log, enable always trigger log_all;

-- migration 3

-- The keys of the sorts by the first entry of a list, and the words of each list that can be searched by itself, marked
-- as core.query.WITHIN says.
alter table reelcache.movies
  add column genres_key text collate "C",
  add column directors_key text collate "C",
  add column countries_key text collate "C";

create function reelcache.sort_key(texts text[]) returns text
language sql immutable parallel safe
return left(reelcache.fold(texts[1]), 500);

create function reelcache.marked_words(mark text, texts text[]) returns text[]
language sql immutable parallel safe
return array(select mark || word from unnest(reelcache.words_of(texts)) as word);

create function reelcache.movie_words(movie reelcache.movies) returns tsvector
language sql immutable parallel safe
return array_to_tsvector(
  reelcache.words_of(movie.title || movie.directors || movie."cast")
  || reelcache.marked_words(' d', movie.directors)
  || reelcache.marked_words(' w', movie.writers)
  || reelcache.marked_words(' c', movie."cast")
  || reelcache.marked_words(' n', movie.countries)
  || reelcache.marked_words(' l', movie.languages)
);

create or replace function reelcache.stamp_movie() returns trigger
language plpgsql as $$
declare
  keys_given constant boolean := new.version = 0 and new.title_key is not null and new.words is not null;
begin
  if tg_op = 'INSERT' then
    -- The clock may be read only when no insert or delete of this id is under way: a row that waited behind a delete
    -- with a version from before would be older than its own removal. The turn keeps inserts away, the lock deletes.
    perform reelcache.take_turn(new.id);
    perform from reelcache.movies where id = new.id for key share;
    new.version := greatest(
      reelcache.microseconds(),
      (select max(version) + 1 from reelcache.removals where id in (new.id, ''))
    );
  else
    if new.id <> old.id then
      raise exception 'the id of a movie never changes (% to %)', old.id, new.id using errcode = 'check_violation';
    end if;
    new.version := greatest(old.version + 1, reelcache.microseconds());
  end if;
  if not keys_given and (
    tg_op = 'INSERT'
    or (new.title, new.genres, new.countries, new.languages, new.directors, new.writers, new."cast")
      is distinct from (old.title, old.genres, old.countries, old.languages, old.directors, old.writers, old."cast")
  ) then
    new.title_key := left(reelcache.fold(new.title), 500);
    new.genres_key := reelcache.sort_key(new.genres);
    new.directors_key := reelcache.sort_key(new.directors);
    new.countries_key := reelcache.sort_key(new.countries);
    new.words := reelcache.movie_words(new);
  end if;
  return new;
end
$$;

-- What the rows say stays, so their versions do too.
alter table reelcache.movies disable trigger stamp, disable trigger log;
update reelcache.movies as movie set
  genres_key = reelcache.sort_key(genres),
  directors_key = reelcache.sort_key(directors),
  countries_key = reelcache.sort_key(countries),
  words = reelcache.movie_words(movie);
alter table reelcache.movies enable trigger stamp, enable always trigger log;

create index movies_genres_key on reelcache.movies (genres_key, id);
create index movies_directors_key on reelcache.movies (directors_key, id);
create index movies_countries_key on reelcache.movies (countries_key, id);

-- migration 4

-- A load that COPYs new movies says so: it brings keys, words and version (the setting reelcache.version) with it, and
-- has taken the turns of its ids. The log hears of all of them at once, as of every load.
alter table reelcache.movies
  alter column version set default coalesce(nullif(current_setting('reelcache.version', true), '')::bigint, 1);

drop trigger stamp on reelcache.movies;
create trigger stamp before insert or update on reelcache.movies
for each row when (current_setting('reelcache.load', true) is distinct from 'copy')
execute function reelcache.stamp_movie();

drop trigger log on reelcache.movies;
create trigger log after insert or update or delete on reelcache.movies
for each row when (coalesce(current_setting('reelcache.load', true), '') not in ('on', 'copy'))
execute function reelcache.log_change();
alter table reelcache.movies enable always trigger log;

-- migration 5

-- The journal: which movie each transaction changed, for who keeps something that is derived from many of them and asks
-- before each use what was committed since. Its beginning is cut off; a row without an id then speaks for what is gone.
-- An empty id stands for every movie.
create table reelcache.journal (
  transaction xid8 not null default pg_current_xact_id(),
  id text collate "C"
);
create index journal_transaction on reelcache.journal (transaction);

create or replace function reelcache.log_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' and old.id is distinct from new.id then
    insert into reelcache.outbox (id, version, forced) values (
      old.id, greatest(old.version + 1, (select version from reelcache.removals where id = old.id)), true
    );
    insert into reelcache.journal (id) values (old.id);
  end if;
  if tg_op <> 'DELETE' then
    insert into reelcache.outbox (id, version, forced)
    values (new.id, new.version, current_setting('session_replication_role') = 'replica');
    insert into reelcache.journal (id) values (new.id);
  end if;
  notify reelcache;
  return null;
end
$$;

create or replace function reelcache.log_change_of_all() returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  insert into reelcache.outbox (id, version, forced) values ('', reelcache.microseconds(), true);
  insert into reelcache.journal (id) values ('');
  select pg_notify('reelcache', '');
end;

-- migration 6

-- Theaters that people brought, with where they are. The log speaks of all of them at once, under an id that no movie
-- can have.
create table reelcache.theaters (
  id text collate "C" primary key,
  name text not null default '',
  lat double precision not null check (abs(lat) <= 85.05112878),
  lon double precision not null check (abs(lon) <= 180),
  country text,
  street text,
  city text,
  state text,
  zipcode text
);
create index theaters_lat on reelcache.theaters (lat);

create function reelcache.log_theaters() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into reelcache.outbox (id, version, forced) values (':theaters', reelcache.microseconds(), true);
  notify reelcache;
  return null;
end
$$;

create trigger log after insert or update or delete or truncate on reelcache.theaters
for each statement execute function reelcache.log_theaters();
alter table reelcache.theaters enable always trigger log;

-- migration 7

-- core.score.points_of: the score in thousandths times 2^20, plus the reviews, which break ties. Null where there is none.
-- An expression, not a column: no row is written anew for it, and an edit by hand has it right.
create function reelcache.points(rating double precision, reviews integer) returns bigint
language sql immutable parallel safe
return case
  when rating between 0 and 10 and reviews between 0 and 1000000
  then (reviews * round(rating * 1000)::bigint + 25 * 6000) / (reviews + 25) * 1048576 + reviews
end;

create index movies_score on reelcache.movies (reelcache.points(critic_rating, critic_reviews), id)
include (critic_rating, critic_reviews);

-- migration 8

-- The beginnings of the words that any search finds, as core.query.beginnings makes them. Beside the title's key in its
-- index they tell who need not be looked at. Null, as older programs left it: that one is looked at.
create function reelcache.beginnings(words tsvector) returns text
language sql immutable parallel safe
return (
  select case
    when octet_length(string_agg(beginning, '')) > 500 then '*'
    else string_agg(beginning, '' order by beginning)
  end
  from (
    select distinct ' ' || left(word, 3) collate "C" as beginning
    from unnest(tsvector_to_array(words)) as word
    where left(word, 1) <> ' '
  ) as each
);

alter table reelcache.movies add column beginnings text collate "C";

create function reelcache.note_beginnings() returns trigger
language plpgsql as $$
begin
  new.beginnings := reelcache.beginnings(new.words);
  return new;
end
$$;

-- Its name comes after "stamp", and so does its turn: that one may make the words.
create trigger stamp_beginnings before insert or update on reelcache.movies
for each row when (coalesce(current_setting('reelcache.load', true), '') <> 'copy')
execute function reelcache.note_beginnings();

drop index if exists reelcache.movies_title;
create index movies_title_beginnings on reelcache.movies (title_key, id) include (beginnings);
