"""The tables of a trust directory's state (docs/formats.md 8).

Times are POSIX seconds. The number of nonces is kept by the file itself, so that giving one out
asks for no count of the others.
"""

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE logs (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE nonces (
  nonce TEXT PRIMARY KEY,
  expires INTEGER NOT NULL,
  state TEXT NOT NULL,
  boot TEXT,
  audience TEXT,
  item TEXT,
  answered INTEGER,
  outcome TEXT,
  presented BLOB
) WITHOUT ROWID, STRICT;
CREATE INDEX nonces_by_end ON nonces (expires);
CREATE TRIGGER nonce_given AFTER INSERT ON nonces
BEGIN UPDATE facts SET value = value + 1 WHERE name = 'nonces'; END;
CREATE TRIGGER nonce_over AFTER DELETE ON nonces
BEGIN UPDATE facts SET value = value - 1 WHERE name = 'nonces'; END;
INSERT INTO facts VALUES ('nonces', 0), ('evidence', 0);
"""
