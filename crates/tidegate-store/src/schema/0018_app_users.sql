-- Whom each app runs as where the machine lets it be somebody of its own: this user, and the next one for steps of its pipelines.
-- A row is never removed, whatever becomes of the app: files of it must not become another one's.

CREATE TABLE app_users (
    app TEXT PRIMARY KEY,
    uid INTEGER NOT NULL UNIQUE CHECK (uid >= 1000)
) STRICT, WITHOUT ROWID;
