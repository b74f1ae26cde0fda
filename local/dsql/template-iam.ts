/**
 * Who may connect as which role: what AWS IAM GRANT and AWS IAM REVOKE call, and the catalog that shows it (columns recorded
 * September 2026). Texts of errors are the documented ones; their codes are ours where none is published. Granting twice and
 * revoking what is not there succeed, as Postgres' own GRANT and REVOKE do: unverified.
 */
export const IAM_SQL = `
create sequence sys._iam_oid start 16384 maxvalue 2147483647;

create table sys._iam_mapping (
  iam_oid oid not null default nextval('sys._iam_oid')::oid,
  arn text not null,
  pg_role_oid oid not null,
  grantor_pg_role_oid oid not null,
  primary key (pg_role_oid, arn)
);

create view sys.iam_pg_role_mappings as
select iam_oid, arn, pg_role_oid, mapped.rolname as pg_role_name, grantor_pg_role_oid,
  grantor.rolname as grantor_pg_role_name
from sys._iam_mapping mapping
join pg_catalog.pg_roles mapped on mapped.oid = pg_role_oid
left join pg_catalog.pg_roles grantor on grantor.oid = grantor_pg_role_oid;
grant select on sys.iam_pg_role_mappings to public;

-- Mapped roles have a privilege on this, for nothing but that Postgres then refuses to drop them.
create view sys._iam_mapped as select 1 as one;

-- Checks what both statements need, and answers the role and who grants. The setting "role" is what SET ROLE chose.
create function sys._iam_check(role_name text, arn text, out role_oid oid, out grantor_oid oid)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  may_login boolean;
  may_grant boolean;
begin
  select oid, rolcreaterole or rolsuper into grantor_oid, may_grant from pg_roles
  where rolname = case current_setting('role') when 'none' then session_user else current_setting('role') end;
  select oid, rolcanlogin into role_oid, may_login from pg_roles where rolname = role_name;
  if role_oid is null then
    raise exception 'role "%" does not exist', role_name using errcode = '42704';
  elsif not may_grant then
    raise exception 'permission denied to grant IAM trust with role' using errcode = '42501';
  elsif role_name in ('admin', 'postgres') then
    raise exception 'Role % not supported', role_name using errcode = '0A000';
  elsif not may_login then
    raise exception 'role must have the LOGIN attribute' using errcode = '22023';
  elsif arn !~ '^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+$' then
    raise exception 'IAM role must look like an IAM ARN' using errcode = '22023';
  end if;
end
$$;

create procedure sys._iam_grant(role_name text, iam_arn text)
language plpgsql security definer set search_path = pg_catalog set client_min_messages = notice as $$
declare
  checked record;
begin
  select * into checked from sys._iam_check(role_name, iam_arn);
  insert into sys._iam_mapping (arn, pg_role_oid, grantor_pg_role_oid)
  values (iam_arn, checked.role_oid, checked.grantor_oid) on conflict do nothing;
  execute format('grant select on sys._iam_mapped to %I', role_name);
  raise notice 'AWS IAM GRANT' using errcode = 'DSQLT';
end
$$;

create procedure sys._iam_revoke(role_name text, iam_arn text)
language plpgsql security definer set search_path = pg_catalog set client_min_messages = notice as $$
declare
  checked record;
begin
  select * into checked from sys._iam_check(role_name, iam_arn);
  delete from sys._iam_mapping where arn = iam_arn and pg_role_oid = checked.role_oid;
  if not exists (select from sys._iam_mapping where pg_role_oid = checked.role_oid) then
    execute format('revoke select on sys._iam_mapped from %I', role_name);
  end if;
  raise notice 'AWS IAM REVOKE' using errcode = 'DSQLT';
end
$$;
`;
