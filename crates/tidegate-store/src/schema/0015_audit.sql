-- The audit log. Rows are added at the end and nothing else is ever done to them: what these triggers refuse, whoever writes to the
-- file itself can do, and the chain of hashes tells.

CREATE TABLE audit (
    seq  INTEGER NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_at_the_end BEFORE INSERT ON audit
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is added at its end');
END;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is never changed');
END;

CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is never removed');
END;

-- Which installation this is: chains of others begin in another way.
INSERT INTO meta (key, value) VALUES ('installation', lower(hex(randomblob(16))));
