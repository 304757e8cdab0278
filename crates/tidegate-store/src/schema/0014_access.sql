-- Who has which role where, and what users wrote of policies: versions of the whole set.

CREATE TABLE role_bindings (
    holder TEXT NOT NULL,
    role   TEXT NOT NULL,
    place  TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (holder, role, place)
) STRICT;

CREATE TABLE policy_versions (
    version INTEGER PRIMARY KEY,
    body    TEXT NOT NULL
) STRICT;

-- Who was an administrator before there were roles has theirs.
INSERT INTO role_bindings (holder, role, place, body)
SELECT name, 'admin', '*',
       json_object('holder', name, 'role', 'admin', 'place', '*', 'by', 'tidegate', 'made_at_unix_ms', json_extract(body, '$.added_unix_ms'))
FROM users WHERE json_extract(body, '$.admin');
