/* SPDX-License-Identifier: ISC */
/* issuer_link_sql.h: the functions that `todoctl link better-auth` runs, in the session's own
 * schema (pg_temp), and what they leave in ours:
 *
 *   todo.issuer_session_user(token)            whose session it is, while it lives
 *   todo.enter_issuer_session(token, user_id)  todo.enter, or an error: TD401, TD403
 *   todo.issuer_keys()                         the public keys
 *   todo.issuer_user_deleted()                 a trigger on their table of users
 *
 * What reads their tables runs as todo_owner, who may see those columns and no others; the workers'
 * role may only ask. A search_path without their schema is presupposed, which has a regclass show
 * it. The search_path is fixed, so that nobody's objects stand in for PostgreSQL's;
 * so is TimeZone, since a timestamp without zone is in UTC with Better Auth's adapters. */
#ifndef TODO_ISSUER_LINK_SQL_H
#define TODO_ISSUER_LINK_SQL_H

/* Columns of others that todo_owner may read are the ones that a link has granted. */
#define ISSUER_UNLINK_SQL                                                                          \
    "DROP FUNCTION IF EXISTS todo.issuer_user_deleted() CASCADE;"                                  \
    "DROP FUNCTION IF EXISTS todo.issuer_keys();"                                                  \
    "DROP FUNCTION IF EXISTS todo.enter_issuer_session(text, text);"                               \
    "DROP FUNCTION IF EXISTS todo.issuer_session_user(text);"                                      \
    "DO $unlink$ DECLARE theirs record; BEGIN"                                                     \
    " FOR theirs IN SELECT c.oid::regclass AS label, a.attname, n.nspname"                         \
    "  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"                                  \
    "  JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(a.attacl) granted"                \
    "  WHERE granted.grantee = to_regrole('todo_owner') AND granted.privilege_type = 'SELECT'"     \
    "  AND pg_has_role(granted.grantor, 'USAGE') AND n.nspname <> 'todo' LOOP"                     \
    "  EXECUTE format('REVOKE SELECT (%I) ON %s FROM todo_owner', theirs.attname, theirs.label);"  \
    "  EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM todo_owner', theirs.nspname);"               \
    " END LOOP; END $unlink$;"

#define ISSUER_AS_OWNER                                                                            \
    " SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = ''UTC''"

/* names: the table and its columns; needed: so many columns have to be there. Gives the table, or
 * null when it is not there; lets todo_owner read the columns. Whose rows are read, by todo_owner,
 * needs a policy too. */
#define ISSUER_TABLE_SQL                                                                           \
    "CREATE FUNCTION pg_temp.issuer_table(schema text, names text[], needed integer)"              \
    " RETURNS regclass LANGUAGE plpgsql AS $link$"                                                 \
    " DECLARE named text; place text := schema; label text := names[1]; found regclass;"           \
    " BEGIN"                                                                                       \
    " IF strpos(label, '.') > 0 THEN"                                                              \
    "  place := split_part(label, '.', 1); label := split_part(label, '.', 2);"                    \
    " END IF;"                                                                                     \
    " found := to_regclass(format('%I.%I', place, label));"                                        \
    " IF found IS NULL THEN RETURN NULL; END IF;"                                                  \
    " EXECUTE format('GRANT USAGE ON SCHEMA %I TO todo_owner', place);"                            \
    " FOREACH named IN ARRAY names[2:] LOOP"                                                       \
    "  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = found AND attname = named"             \
    "   AND attnum > 0 AND NOT attisdropped) THEN"                                                 \
    "   EXECUTE format('GRANT SELECT (%I) ON %s TO todo_owner', named, found);"                    \
    "  ELSIF needed > 0 THEN"                                                                      \
    "   RAISE EXCEPTION 'table % has no column %', found, named;"                                  \
    "  END IF;"                                                                                    \
    "  needed := needed - 1;"                                                                      \
    " END LOOP;"                                                                                   \
    " IF needed > 0 THEN RAISE EXCEPTION 'too few columns are named for %', found; END IF;"        \
    " RETURN found; END $link$;"                                                                   \
    "CREATE FUNCTION pg_temp.require_policy(theirs regclass) RETURNS void"                         \
    " LANGUAGE plpgsql AS $link$ BEGIN"                                                            \
    " IF (SELECT relrowsecurity FROM pg_class WHERE oid = theirs)"                                 \
    "  AND NOT EXISTS (SELECT FROM pg_policy, unnest(polroles) AS reader"                          \
    "   WHERE polrelid = theirs AND polpermissive AND polcmd IN ('r', '*')"                        \
    "   AND (reader = 0 OR pg_has_role('todo_owner', reader, 'USAGE'))) THEN"                      \
    "  RAISE EXCEPTION 'row-level security hides % from todo_owner: CREATE POLICY todo ON %"       \
    " FOR SELECT TO todo_owner USING (true)', theirs, theirs;"                                     \
    " END IF; END $link$;"

#define ISSUER_SESSIONS_SQL                                                                        \
    "CREATE FUNCTION pg_temp.link_sessions(schema text, names text[]) RETURNS boolean"             \
    " LANGUAGE plpgsql AS $link$"                                                                  \
    " DECLARE found CONSTANT regclass := pg_temp.issuer_table(schema, names, 3);"                  \
    " BEGIN IF found IS NULL THEN RETURN false; END IF;"                                           \
    " PERFORM pg_temp.require_policy(found);"                                                      \
    " EXECUTE format('CREATE FUNCTION todo.issuer_session_user(wanted text) RETURNS text"          \
    "  LANGUAGE plpgsql STABLE STRICT" ISSUER_AS_OWNER " AS $f$ BEGIN"                             \
    "  RETURN (SELECT s.%I::text FROM %s s WHERE s.%I = wanted AND s.%I > now()); END $f$',"       \
    "  names[4], found, names[2], names[3]);"                                                      \
    " CREATE FUNCTION todo.enter_issuer_session(token text, user_id text) RETURNS text"            \
    "  LANGUAGE plpgsql VOLATILE AS $f$"                                                           \
    "  DECLARE owner CONSTANT text COLLATE \"C\" := todo.issuer_session_user(token);"              \
    "  BEGIN IF owner IS NULL THEN"                                                                \
    "   RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'TD401';"                          \
    "  ELSIF owner <> user_id THEN"                                                                \
    "   RAISE EXCEPTION 'the session is of another user' USING ERRCODE = 'TD403'; END IF;"         \
    "  RETURN todo.enter(user_id); END $f$;"                                                       \
    " ALTER FUNCTION todo.issuer_session_user(text) OWNER TO todo_owner;"                          \
    " ALTER FUNCTION todo.enter_issuer_session(text, text) OWNER TO todo_owner;"                   \
    " REVOKE ALL ON FUNCTION todo.issuer_session_user(text),"                                      \
    "  todo.enter_issuer_session(text, text) FROM PUBLIC;"                                         \
    " GRANT EXECUTE ON FUNCTION todo.issuer_session_user(text),"                                   \
    "  todo.enter_issuer_session(text, text) TO todo_app;"                                         \
    " RETURN true; END $link$;"

/* The algorithm and the end of a key are columns of later versions only; ended keys stay published
 * for 30 days, as at Better Auth itself. The workers keep so many only: the newest come first. */
#define ISSUER_KEYS_SQL                                                                            \
    "CREATE FUNCTION pg_temp.link_keys(schema text, names text[]) RETURNS boolean"                 \
    " LANGUAGE plpgsql AS $link$"                                                                  \
    " DECLARE found CONSTANT regclass := pg_temp.issuer_table(schema, names, 2);"                  \
    "  known CONSTANT name[] := (SELECT array_agg(attname) FROM pg_attribute"                      \
    "   WHERE attrelid = found AND attnum > 0 AND NOT attisdropped);"                              \
    "  expiry CONSTANT text := CASE WHEN names[5] = ANY (known)"                                   \
    "   THEN format('k.%I', names[5]) ELSE 'NULL::timestamptz' END;"                               \
    " BEGIN IF found IS NULL THEN RETURN false; END IF;"                                           \
    " PERFORM pg_temp.require_policy(found);"                                                      \
    " EXECUTE format('CREATE FUNCTION todo.issuer_keys()"                                          \
    "  RETURNS TABLE (id text, public_key text, algorithm text)"                                   \
    "  LANGUAGE plpgsql STABLE" ISSUER_AS_OWNER " AS $f$ BEGIN"                                    \
    "  RETURN QUERY SELECT k.%I::text, k.%I::text, %s::text FROM %s k"                             \
    "  WHERE coalesce(%s + interval ''30 days'' > now(), true)"                                    \
    "  ORDER BY %s DESC NULLS FIRST; END $f$',"                                                    \
    "  names[2], names[3], CASE WHEN names[4] = ANY (known) THEN format('k.%I', names[4])"         \
    "  ELSE 'NULL' END, found, expiry, expiry);"                                                   \
    " ALTER FUNCTION todo.issuer_keys() OWNER TO todo_owner;"                                      \
    " REVOKE ALL ON FUNCTION todo.issuer_keys() FROM PUBLIC;"                                      \
    " GRANT EXECUTE ON FUNCTION todo.issuer_keys() TO todo_app;"                                   \
    " RETURN true; END $link$;"

#define ISSUER_USERS_SQL                                                                           \
    "CREATE FUNCTION pg_temp.link_users(schema text, names text[]) RETURNS boolean"                \
    " LANGUAGE plpgsql AS $link$"                                                                  \
    " DECLARE found CONSTANT regclass := pg_temp.issuer_table(schema, names, 1);"                  \
    " BEGIN IF found IS NULL THEN RETURN false; END IF;"                                           \
    " EXECUTE format('CREATE FUNCTION todo.issuer_user_deleted() RETURNS trigger"                  \
    "  LANGUAGE plpgsql" ISSUER_AS_OWNER " AS $f$ BEGIN"                                           \
    "  PERFORM todo.enter(OLD.%1$I::text);"                                                        \
    "  DELETE FROM todo.users u WHERE u.id = OLD.%1$I::text;"                                      \
    "  PERFORM todo.enter('''');"                                                                  \
    "  RETURN NULL; END $f$', names[2]);"                                                          \
    " EXECUTE format('CREATE TRIGGER todo_user_deleted AFTER DELETE ON %s"                         \
    "  FOR EACH ROW EXECUTE FUNCTION todo.issuer_user_deleted()', found);"                         \
    " ALTER FUNCTION todo.issuer_user_deleted() OWNER TO todo_owner;"                              \
    " REVOKE ALL ON FUNCTION todo.issuer_user_deleted() FROM PUBLIC;"                              \
    " RETURN true; END $link$;"

#endif
