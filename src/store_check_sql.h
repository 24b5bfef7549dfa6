/* SPDX-License-Identifier: ISC */
/* store_check_sql.h: what is asked of the database on every new connection, by the workers and by
 * `todoctl check` alike.
 *
 * One row, whatever state the database is in: `version` (integer; null: no schema, or one that this
 * role may not read) and `unsafe` (text, a clause for the log that begins with "role" or "table";
 * null: safe to serve). Only catalogs are named directly, so that it never fails on a database
 * without our schema. The table of migrations is looked at when it can be read, through ts_stat:
 * the one built-in function that runs a statement given as text on every server (query_to_xml wants
 * one that was built with libxml).
 *
 * What a role may become counts like what it is: membership in an owner, in a superuser or in a
 * role with BYPASSRLS is one SET ROLE away from it. CREATEROLE grants itself membership before
 * PostgreSQL 16, and REPLICATION reads every row from the log. */
#ifndef TODO_STORE_CHECK_SQL_H
#define TODO_STORE_CHECK_SQL_H

#define STORE_CHECK_SQL                                                                            \
    "WITH reach AS ("                                                                              \
    " SELECT * FROM pg_catalog.pg_roles r"                                                         \
    " WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')"                                 \
    " OR pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')"                                    \
    "), ours AS ("                                                                                 \
    " SELECT * FROM pg_catalog.pg_namespace n WHERE n.nspname = 'todo'"                            \
    "), relations AS ("                                                                            \
    " SELECT c.* FROM pg_catalog.pg_class c JOIN ours n ON n.oid = c.relnamespace"                 \
    " WHERE c.relkind IN ('r', 'p')"                                                               \
    "), readable AS ("                                                                             \
    " SELECT c.oid FROM relations c WHERE c.relname = 'schema_migrations'"                         \
    " AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')"                                \
    " AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"                                         \
    "), unguarded AS ("                                                                            \
    " SELECT min(c.relname::text) AS name FROM relations c"                                        \
    " WHERE c.relname <> 'schema_migrations'"                                                      \
    " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"                                        \
    ") "                                                                                           \
    "SELECT CASE WHEN EXISTS (SELECT FROM readable) THEN"                                          \
    " (SELECT max(word::integer) FROM pg_catalog.ts_stat("                                         \
    "'SELECT array_to_tsvector(ARRAY[version::text]) FROM todo.schema_migrations'))"               \
    " END AS version, "                                                                            \
    "CASE"                                                                                         \
    " WHEN EXISTS (SELECT FROM reach WHERE rolsuper)"                                              \
    " THEN pg_catalog.format('role %I is a superuser or can become one', session_user)"            \
    " WHEN EXISTS (SELECT FROM reach WHERE rolbypassrls)"                                          \
    " THEN pg_catalog.format('role %I bypasses row-level security or can become one that does',"   \
    " session_user)"                                                                               \
    " WHEN EXISTS (SELECT FROM reach r WHERE r.oid IN"                                             \
    " (SELECT nspowner FROM ours UNION ALL SELECT relowner FROM relations))"                       \
    " THEN pg_catalog.format('role %I owns the schema or a table of it, or can become its owner'," \
    " session_user)"                                                                               \
    " WHEN EXISTS (SELECT FROM reach WHERE rolcreaterole OR rolreplication)"                       \
    " THEN pg_catalog.format('role %I may create roles or replicate', session_user)"               \
    " WHEN (SELECT name FROM unguarded) IS NOT NULL"                                               \
    " THEN pg_catalog.format('table %I has no forced row-level security',"                         \
    " (SELECT name FROM unguarded))"                                                               \
    " END AS unsafe"

#endif
