import { IAM_SQL } from "./template-iam.ts";

/**
 * What every cluster starts with. Job ids are 26 characters of lower-case base32 and `sys.wait_for_job` is a procedure with
 * one output column, as recorded on the real service (September 2026).
 */
export const TEMPLATE_SQL = `
create role admin login createrole;
alter database postgres owner to admin;
create schema sys;
grant usage on schema sys to public;

create table sys._job (
  job_id text primary key,
  details text,
  job_type text not null,
  class_id oid,
  object_id oid,
  object_name text,
  failed boolean not null default false,
  start_time timestamptz not null default clock_timestamp(),
  end_time timestamptz not null
);

-- Rows vanish after about 30 minutes.
create view sys.jobs as
select job_id,
  case when clock_timestamp() < end_time then 'processing' when failed then 'failed' else 'completed' end as status,
  case when clock_timestamp() < end_time then null else details end as details,
  job_type, class_id, object_id, object_name, start_time,
  least(end_time, clock_timestamp()) as update_time
from sys._job
where end_time > clock_timestamp() - interval '30 minutes';
grant select on sys.jobs to public;

create function sys._new_job_id() returns text language sql volatile as $$
  select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (get_byte(bytes, i) & 31), 1), '')
  from (select decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') as bytes) random,
    generate_series(0, 25) i
$$;

create function sys._record_job(failed boolean, details text, index_id oid, build_ms bigint) returns text
language sql security definer set search_path = pg_catalog as $$
  insert into sys._job (job_id, details, job_type, class_id, object_id, object_name, failed, end_time)
  values (sys._new_job_id(), details, 'INDEX_BUILD', 1259, index_id, index_id::regclass::text, failed,
    clock_timestamp() + build_ms * interval '1 millisecond')
  returning job_id
$$;

-- Runs a CREATE INDEX whose ASYNC was taken out. Duplicates are found by the job on the real service, not by the statement.
-- The notice tells the front the tag of the answer that follows.
create function sys._create_index(statement text, build_ms bigint) returns text
language plpgsql set client_min_messages = notice as $$
declare
  index_id oid;
  job text;
begin
  begin
    execute statement;
    select max(oid::bigint)::oid into index_id from pg_catalog.pg_class where relkind = 'i';
    job := sys._record_job(false, null, index_id, build_ms);
  exception when unique_violation then
    job := sys._record_job(true, sqlerrm, null, build_ms);
  end;
  raise notice 'CREATE INDEX' using errcode = 'DSQLT';
  return job;
end
$$;

create function sys._refuse(code text, message text) returns void language plpgsql as $$
begin
  raise exception '%', message using errcode = code;
end
$$;

create function sys._job_state(job text, out end_time timestamptz, out failed boolean)
language sql security definer set search_path = pg_catalog as $$
  select end_time, failed from sys._job where job_id = job
$$;

create procedure sys.wait_for_job(job text, inout succeeded boolean default null) language plpgsql as $$
declare
  job_end timestamptz;
  job_failed boolean;
begin
  if job !~ '^[a-z2-7]{26}$' then
    raise exception 'Unable to convert text to UUID' using errcode = '22P02';
  end if;
  select end_time, failed into job_end, job_failed from sys._job_state(job);
  if job_end is null then
    raise exception 'job % not found', job using errcode = '42704';
  end if;
  perform pg_sleep(greatest(0, extract(epoch from job_end - clock_timestamp())));
  succeeded := not job_failed;
end
$$;

${IAM_SQL}`;
