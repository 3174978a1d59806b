#!/bin/sh
# Runs once, in a new database: a role for each service, that owns its schema and sees no other.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set auth `cat /run/secrets/auth`
\set mailer `cat /run/secrets/mailer`
\set database `echo "$POSTGRES_DB"`
CREATE ROLE auth LOGIN PASSWORD :'auth';
CREATE ROLE mailer LOGIN PASSWORD :'mailer';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO auth, mailer;
CREATE SCHEMA auth AUTHORIZATION auth;
CREATE SCHEMA mailer AUTHORIZATION mailer;
SQL
