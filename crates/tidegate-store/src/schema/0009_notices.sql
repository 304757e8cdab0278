-- Notices of events on their way to those who are told, until they are delivered or given up.

CREATE TABLE notices (
    seq  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    due  INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (due, seq);
