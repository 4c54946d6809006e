#!/bin/bash
# Run once by the database server's image, when its data is made: the services' user is no superuser, for whom row-level security would not
# hold, and owns the database in which they make their schemas.
set -euo pipefail
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE tandem LOGIN PASSWORD :'password';
CREATE DATABASE tandem OWNER tandem;
SQL
