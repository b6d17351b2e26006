"""The tables of a trust directory's state (docs/formats.md 8).

Times are POSIX seconds. The numbers of nonces, of chains, of shared pieces and of the bytes of
all pieces are kept by the file itself: adding one asks for no count of the others. A piece of
evidence is a line as a bundle has it; what several chains need is there once, and goes with the
last of them. What was verified when it was taken in is said beside it: of a checkpoint the two
times of its quorum, of a chain as of when its newest entry was the latest and how many subjects
its log had then (`quorums`).
"""

STATE_FILE = "state.sqlite"
TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE logs (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL
) WITHOUT ROWID, STRICT""",
    """CREATE TABLE nonces (
  nonce TEXT PRIMARY KEY,
  expires INTEGER NOT NULL,
  state TEXT NOT NULL,
  boot TEXT,
  audience TEXT,
  item TEXT,
  answered INTEGER,
  outcome TEXT,
  presented BLOB
) WITHOUT ROWID, STRICT""",
    "CREATE INDEX nonces_by_end ON nonces (expires)",
    """CREATE TRIGGER nonce_given AFTER INSERT ON nonces
BEGIN UPDATE facts SET value = value + 1 WHERE name = 'nonces'; END""",
    """CREATE TRIGGER nonce_over AFTER DELETE ON nonces
BEGIN UPDATE facts SET value = value - 1 WHERE name = 'nonces'; END""",
    """CREATE TABLE chains (
  id INTEGER PRIMARY KEY, log TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  about TEXT NOT NULL, as_of INTEGER, subjects INTEGER NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX chains_by_subject ON chains (subject, kind, log)",
    "CREATE INDEX chains_by_grantee ON chains (about) WHERE about <> ''",
    """CREATE TABLE pieces (
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, line BLOB NOT NULL,
  shared INTEGER NOT NULL, fresh_at INTEGER, existed_by INTEGER
) STRICT""",
    "CREATE INDEX pieces_shared ON pieces (id) WHERE shared",
    """CREATE TRIGGER piece_new AFTER INSERT ON pieces
BEGIN
  UPDATE facts SET value = value + length(NEW.line) WHERE name = 'bytes';
  UPDATE facts SET value = value + NEW.shared WHERE name = 'shared';
END""",
    """CREATE TRIGGER piece_over AFTER DELETE ON pieces
BEGIN
  UPDATE facts SET value = value - length(OLD.line) WHERE name = 'bytes';
  UPDATE facts SET value = value - OLD.shared WHERE name = 'shared';
END""",
    """CREATE TABLE uses (
  chain INTEGER NOT NULL, piece INTEGER NOT NULL, PRIMARY KEY (chain, piece)
) WITHOUT ROWID, STRICT""",
    "CREATE INDEX uses_by_piece ON uses (piece)",
    """CREATE TRIGGER piece_unused AFTER DELETE ON uses
WHEN NOT EXISTS (SELECT 1 FROM uses WHERE piece = OLD.piece)
BEGIN DELETE FROM pieces WHERE id = OLD.piece; END""",
    """CREATE TRIGGER chain_over AFTER DELETE ON chains
BEGIN
  DELETE FROM uses WHERE chain = OLD.id;
  UPDATE facts SET value = value - 1 WHERE name = 'chains';
END""",
    """CREATE TRIGGER chain_new AFTER INSERT ON chains
BEGIN UPDATE facts SET value = value + 1 WHERE name = 'chains'; END""",
)
FACTS = """
INSERT INTO facts VALUES
  ('nonces', 0), ('chains', 0), ('bytes', 0), ('shared', 0), ('evidence', 0)
"""
