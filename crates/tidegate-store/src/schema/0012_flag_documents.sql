-- What a build's manifest and flag files define of flags. Apart from deploys, which are read again and again.

CREATE TABLE flag_documents (
    build TEXT PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body  TEXT NOT NULL
) STRICT;
