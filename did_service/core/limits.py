"""Every maximum of the project, each with its reason.

Sizes are checked before bytes are parsed. A limit that a standard sets is cited; the others
are ours, chosen well above honest use and well below what hurts a two-core machine.
"""

# --- text and JSON ---------------------------------------------------------------------------
MAX_QUOTED_COLUMNS = 80  # foreign text on a screen: enough to recognise it, one row of most
MAX_SENTENCE_COLUMNS = 480  # a sentence of ours with what it quotes: six rows of a screen
MAX_GZIP_MEMBERS = 16  # of one file; what follows each is copied
MAX_JSON_BYTES = 1_048_576  # one document at a door; credentials are 1 to 10 KB
MAX_JSON_DEPTH = 32  # honest documents stay below 12; keeps recursion far from Python's limit
MAX_JSON_VALUES = 131_072  # a policy of 31 regions has 3,000; at 200 bytes each 26 MB of memory
MAX_BILINGUAL_CHARACTERS = 400  # of a name or a legal basis, in each of its languages
MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3 and RFC 7493: larger ones change meaning
MAX_YEAR_DIGITS = 9  # with its sign; XSD sets none, and no credential needs so many
MAX_BASE58_CHARACTERS = 512  # base58 decoding is quadratic; keys and signatures need 88
MAX_KEYS_CACHED = 1_024  # spellings of public keys remembered: a fifth of a megabyte

# --- transparency log (C2SP tlog-tiles, signed-note, tlog-witness) ---------------------------
TILE_HEIGHT = 8  # tlog-tiles: 256 hashes a tile
TILE_WIDTH = 256  # tlog-tiles: two to the power of the height
MAX_ENTRY_BYTES = 60_000  # an entry bundle prefixes entries with a uint16; 65,535 is its limit
MAX_BUNDLED_ENTRY_BYTES = 65_535  # what a uint16 can say; logs of others may use all of it
MAX_TREE_SIZE = 2**48 - 1  # far above a region's century, far below int64
MAX_PROOF_HASHES = 63  # tlog-witness: at most 63 hashes in a consistency proof
MAX_NOTE_BYTES = 131_072  # signed-note: 16 signatures, post-quantum ones of nearly 5 kB each
MAX_NOTE_SIGNATURES = 64  # signed-note asks to accept at least 16
MAX_KEY_NAME_BYTES = 255  # tlog-cosignature gives a name one length byte
MAX_TILE_LEVEL = 63  # tlog-tiles
MAX_LOG_PROOF_BYTES = 196_608  # a tlog-proof: its note, 63 hashes, and room for extra data
MAX_LOG_POLICY_BYTES = 65_536  # a tlog-policy of 64 witnesses with URLs and comments
MAX_POLICY_MEMBERS = 64  # tlog-policy asks to support at least 32 of each kind
MAX_RETIRED_HOSTS = 1_024  # of a policy: sixteen for each of 64 regions that have left
MAX_CLOCK_AHEAD_SECONDS = 120  # a log's `a` and `at` may lead a validator's clock by so much
MAX_COSIGNATURE_AHEAD_SECONDS = 300  # a quorum time may lead the verifier's clock by so much
MAX_ENTRIES_PARSED = 256  # at hand in each of three caches: 2 MB each, 100 at the worst
MAX_CLOCK_OFF_SECONDS = 60  # a log's clock and its witnesses': half of what validators bear
MAX_BEGINNING_AHEAD_SECONDS = 300  # validFrom and created may lead it by so much; ends never
MAX_ENTRY_NUMBER = 2**32 - 1  # a heads record has four bytes for it

# --- writing to a log ------------------------------------------------------------------------
MAX_BATCH_ENTRIES = 256  # one transaction, one entry bundle
MAX_WAITING_ENTRIES = 4_096  # beyond it a log answers 503 with Retry-After, as peers do
MAX_SUBMISSION_BYTES = 4_194_304  # an entry and the status list behind its digest, as JSON
MAX_BATCH_BODY_BYTES = 16_777_216  # JSON lines of a batch submission
MAX_WAIT_SECONDS = 10  # `Prefer: wait`: a submitter may wait so long for the quorum
MAX_LOG_WAITERS = 256  # of one log: a quarter of the connections; others are answered at once
MAX_ENTRY_WAITERS = 16  # for one entry: its submitter and whoever repeats its bytes
MAX_CATCH_UP_SECONDS = 8  # a witness answers within 10 s; what takes longer goes on behind
MAX_FOLLOW_SECONDS = 120  # one look at a log; the rest is for the next one
MAX_CATCH_UPS_OF_A_LOG = 4  # requests that wait for a copy: a log has one at a time, or two
LOOK_SECONDS = 4  # for the published checkpoint of a log that a fresh witness looks at
LOOK_AGAIN_SECONDS = 30  # a log that did not answer is left alone for so long
MAX_CATCH_UP_ENTRIES = 4_096  # a mirror checks and stores a log in pieces of 16 bundles
MAX_ALARMS = 100  # of each kind a witness keeps so many a log; the first ones tell most
MAX_ALARMS_VALUES = 262_144  # JSON values of all alarms of a witness
MAX_ALARMS_BYTES = 67_108_864  # some thousand alarms with two notes each
MAX_LEASE_BYTES = 4_096  # the one line that says whose folder it is
MAX_BACKUP_LIST_BYTES = 256 << 20  # SHA256SUMS of a backup: some 2 x 10^6 files
MAX_HEADS_FILES = 12  # newest heads snapshots kept on disk; older ones can be recomputed
MAX_SUBMISSION_SECONDS = 3_600  # what a statement rests on may be so old when it is sequenced
HEADS_RECORD_BYTES = 84  # formats.md 2: key 32, n 4, index 8, time 8, leaf hash 32

# --- did:webvh 1.0 ---------------------------------------------------------------------------
MAX_DID_CHARACTERS = 2_048  # a host of 253 characters and a long path
MAX_DIDS_CACHED = 256  # parsed did:webvh identifiers remembered: a megabyte at the worst
MAX_DID_LOG_BYTES = 5_242_880  # the specification's suggestion for did.jsonl
MAX_DID_LOG_ENTRIES = 4_096  # at 1.3 KB an entry the byte limit is met first
MAX_DID_KEYS = 64  # update keys, and hashes of next keys, of one entry
MAX_DID_WITNESSES = 64  # distinct witness ids of one DID
MAX_VERSION_TIME_AHEAD_SECONDS = 300  # clock drift that did:webvh allows
MAX_TTL_SECONDS = 2**31  # did:webvh §ttl
MAX_DOCUMENT_METHODS = 64  # verification methods of one DID document
MAX_DOCUMENT_SERVICES = 64  # services of one DID document
MAX_HOST_CHARACTERS = 253  # RFC 1035 §2.3.4: 255 octets on the wire
MAX_FOREIGN_DIDS_REMEMBERED = 100_000  # their newest version seen; 20 MB in the database
MAX_HISTORIES_CACHED = 256  # verified histories a resolver keeps; 75 MB of objects at most
MAX_HISTORY_CACHED_BYTES = 65_536  # of a stranger's files; longer ones out of a log count more
MAX_WITNESS_VALUES = 262_144  # JSON values of a witness file with so many proofs
MAX_WITNESS_PROOFS = 16_384  # one proof costs a signature check: 2 seconds at the worst

# --- credentials -----------------------------------------------------------------------------
MAX_CREDENTIAL_BYTES = 262_144  # a portrait fits; ten megabytes of nesting does not
MAX_PROOFS = 8  # proofs in one set or chain
MAX_CREDENTIALS_IN_PRESENTATION = 16  # a service item asks for a handful
MAX_CHECKED_MEMBERS = 16  # status entries, or schemas, of one credential; one or two are usual
MAX_CONTEXTS_NAMED = 128  # in one document: 16 credentials with eight each; 1 ms each
MAX_INLINE_TERMS = 128  # that a credential defines itself: a type has some thirty claims
MAX_TERM_DEFINITIONS = 16_384  # read for one document; 16 credentials with their proofs: 4,000
MAX_JSONLD_VALUES = 8_192  # of one document before expansion; 16 large credentials have 2,000
MAX_SET_PAIRS = 131_072  # compared to find repeats: lists of 512; honest ones have a dozen
MAX_STATED_VALUES = 4_096  # of one file, once for each rdfc proof; 16 permits have 2,000
JSON_VALUES_PER_STATED = 32  # a fraction is written in 2 us; 16 permits have 2,000 of 131,072
MAX_PROCESSED_CACHED = 8  # documents that needed a JSON-LD processor: a megabyte at most
MAX_RDF_QUADS = 4_096  # quads of one canonicalized document
MAX_BLANK_NODES = 256  # blank nodes of one document; honest credentials have fewer than ten
MAX_RDF_WORK = 8_192  # neighbours visited; the worst graph of the W3C vectors needs 6,168
STATUS_LIST_BITS = 131_072  # Bitstring Status List §3: the minimum, for herd privacy
MAX_STATUS_LIST_BYTES = 2_097_152  # 16,777,216 bits unpacked
MAX_STATUS_CONTENT_BYTES = 3_145_728  # a signed list of that size that does not compress
MAX_DID_WEB_BYTES = 65_536  # a did.json that an office has seen; with a dozen keys 4 KB
MAX_SCHEMA_BYTES = 49_152  # formats.md 2: content of a schema entry
MAX_TITLE_CHARACTERS = 200  # what a schema calls its type or a claim, in each language
MAX_SCHEMAS_CACHED = 64  # compiled schemas kept; a counter meets a dozen
MAX_SCHEMA_PARTS = 1_024  # schemas within one text: 5 ms to link; ours have fifty
MAX_SCHEMA_REFERENCES = 256  # `$ref`s of one schema; five types of ours have none to a dozen
MAX_SCHEMA_CHAIN = 64  # schemas in a row about one value: engines call themselves for each
MAX_SCHEMA_WIDTH = 4_096  # parts of a schema that judge one value; ours have below twenty
MAX_PATTERN_STATES = 8_192  # of all patterns of a schema: 5 ms to compile; ours have 210
MAX_SCHEMA_STEPS = 32_768  # of one credential: 10 ms at the worst; ours take 222
EXPLAINED_SHARE = 32  # of these steps: jsonschema, which names the member, is so much slower
PATTERN_WORK_PER_STEP = 512  # characters times states, a microsecond: a portrait may be matched
UNIQUE_WORK_PER_STEP = 16  # items times values in them: they are compared in pairs at the worst
MAX_PATTERNS_CACHED = 256  # compiled for explanations: five types of ours have a dozen
MAX_SCHEMA_VIOLATIONS = 20  # reasons given for one refusal; nobody reads more

# --- issuing ---------------------------------------------------------------------------------
CHALLENGE_SECONDS = 600  # a wallet signs at once; a person with a form needs minutes
PICKUP_SECONDS = 86_400  # after the first fetch: a wallet that lost the answer asks again
MAX_CLAIMS_BYTES = 131_072  # a portrait fits, and the credential stays below its own limit
MAX_APPLICATION_BYTES = 139_264  # with 8 KB for a did:key, a proof and its challenge
MAX_OPEN_APPLICATIONS = 20_000  # that nobody has decided: weeks of an office; 5 GB at the worst
MAX_LISTED_ROWS = 1_000  # applications or credentials in one answer to an officer

# --- evidence --------------------------------------------------------------------------------
MAX_STAPLE_BYTES = 4_194_304  # a staple is 7 KB of text plus its status list
MAX_EVIDENCE_VALUES = 262_144  # JSON values of a set of evidence: 120 an item, 2,000 items
MAX_BUNDLE_BYTES = 268_435_456  # a bundle unpacked
MAX_BUNDLE_LINE_BYTES = 33_554_432  # a heads file of as many subjects as a bundle has items
MAX_PIECE_VALUES = 16_384  # JSON values of one line of a bundle; a large policy has 5,000
MAX_EVIDENCE_ITEMS = 200_000  # at 1.4 KB an item a bundle is as large as it may be
MAX_CHAINS_HELD = 1_000_000  # subjects in one trust directory; 4 x 10^5 are foreseen
MAX_CHAIN_STEPS = 8  # from what is presented to the last thing it rests on
MAX_CHAINS_AT_ONCE = 20_000  # read for one check
MAX_KEYS_WANTED = 65_536  # texts looked up for one check; 16 credentials name 5,000
MAX_CHAINS_WHOLE = 20_000  # of a directory that is read whole; a larger one is read by key
MAX_BYTES_WHOLE = 67_108_864  # of such a directory, as lines: twenty lists of full size
MAX_PORTION_PIECES = 4_096  # items of a bundle that are merged in one step
MAX_SHARED_BYTES = 134_217_728  # of a bundle, for all its portions: heads files above all
MAX_PORTION_BYTES = 16_777_216  # as lines, with the lists and batches that go with them
MAX_EVIDENCE_POLICIES = 64  # of one bundle; each is held as it was parsed, a megabyte at worst
MAX_EVIDENCE_CHECKPOINTS = 4_096  # some for each log of a thousand regions
MAX_HEADS_FILE_BYTES = 134_217_728  # 84 bytes a subject: room for 1.5 million subjects
MAX_BLOB_BYTES = MAX_HEADS_FILE_BYTES  # the largest file of a log; no bucket may give more
MAX_HEADS_PACKING = 2  # times what came: of a record's 84 bytes 64 are hashes, never fewer
MAX_HEADS_KEPT_BYTES = 268_435_456  # unpacked, for one import: what all its portions may share
MAX_HEADS_REFUSED = 4_096  # that are known to be none; an honest set has one for each log
MAX_HEADS_TRIED = 64  # newest heads entries of one root, or with a file, held against an item
MAX_CLAIMS_TRIED = 8  # claims that one entry is the latest; a staple and bundles make a few
MAX_LISTS_KEPT = 16  # status lists that stay read, and unpacked, from one visit to the next
MAX_VERIFIED_KEPT = 1_024  # checkpoints, records and statements that need not be verified again
MAX_LISTS_TRIED = 64  # newest status lists of one URL; more than two days of them
MAX_DISCLOSED_CHARACTERS = 65_536  # names of claims in a report; a credential has a dozen
MAX_DROPPED_NAMED = 32  # pieces of evidence that a report names as dropped
MAX_PRESENTED_VALUES = 262_144  # JSON values of it; 200 bytes of memory each, 50 MB
MAX_PRESENTED_BYTES = 8_388_608  # a presentation of 16 credentials with its staple
MAX_AUTHORITY_HOPS = 4  # entries from the issuer up to a root of the policy

# --- files, sealed containers, sessions ------------------------------------------------------
MAX_KDF_MEMORY_BYTES = 2_147_483_648  # a foreign file may not ask for more than 2 GiB
MAX_KDF_PASSES = 16  # honest files ask for 3; at 2 GiB each pass takes seconds
MAX_KID_CHARACTERS = 200  # schemas/key-file.json
MAX_KEY_FILE_BYTES = 16_384  # honest ones have 500 bytes and a name
MAX_KEYRING_KEYS = 1_024  # of one service: a log a year, three keys a DID, former ones
MAX_KEYRING_BYTES = 1_048_576  # so many keys with names of 255 characters
MAX_KEY_NAME_CHARACTERS = 255  # signed-note's names; a place of a DID is shorter
MAX_CONFIGURATION_BYTES = 65_536  # an example with every comment has five kilobytes
MAX_WALLET_BYTES = 67_108_864  # 6 KB for each of the records below
MAX_WALLET_RECORDS = 10_000  # keys, credentials and answers of a lifetime
MAX_PASSPHRASE_BYTES = 1_024  # a paragraph; more is a wrong file
MIN_PASSPHRASE_CHARACTERS = 8  # NIST SP 800-63B-4 §3.1.1.2: never fewer
MAX_MIRRORS = 64  # places of evidence that come with one credential
MAX_STAPLE_FETCHES = 64  # entries that a wallet asks for one credential; a dozen is usual
MAX_COLLECTION_REQUESTS = 192  # to whatever places, for one credential: each entry at three
COLLECTION_SECONDS = 60  # for all of them together; a person waits for it
MAX_LABEL_CHARACTERS = 80  # a name that a person gives to a key
MAX_MEMORY_VALUES = 1_048_576  # of memory.json: some three a nonce
MAX_MEMORY_BYTES = 33_554_432  # memory.json of release 0.2.0
MAX_NONCES_REMEMBERED = 100_000  # of one trust directory; expired ones are dropped first
MAX_NONCES_DOUBTED = 1_024  # kept though the clock alone says that their day is over
MAX_ASKED_CHARACTERS = 512  # a name of a counter, a nonce, a state
MAX_CHALLENGES_SOUGHT = 16  # in a file that cannot be read; each may cost a look into memory
MAX_REQUEST_BYTES = 65_536  # a request object with a query of many claims has 2 KB
NONCE_LIFETIME_SECONDS = 86_400  # a challenge is answered within the day it was given out
MAX_LOG_KEYS = 2  # of one log in a policy: the key that signs, and the one before it
MAX_CARRIED_BYTES = 1_048_576  # a file that regions carry to each other: a draft, signatures
MAX_MEMBER_KEYS = 80  # of one region: its logs, its witness and what its root and office need
POLICY_LIFETIME_DAYS = 396  # thirteen months: a policy must be renewed every year

# --- HTTP ------------------------------------------------------------------------------------
HTTP_TIMEOUT_SECONDS = 10  # a witness answers within it, or is asked again
MAX_CONNECTIONS = 1_024  # of one server at once, where the process may have so many files
MIN_CONNECTIONS = 16  # even where it may not
RESERVED_FILES = 256  # for databases, tiles and peers, and for what is accepted in one go
FAILED_HOST_SECONDS = 30  # a foreign host that kept us waiting is not asked again for so long
MAX_FAILED_HOSTS = 1_024  # remembered at once; strangers name them
REQUEST_SECONDS = 30  # until a request must be there: 16 MB by a slow line, but nobody for ever
MAX_RESPONSE_BYTES = 268_435_456  # whatever is fetched; a caller that expects less says so
MAX_MEDIA_RANGES = 64  # of one Accept header that are read; browsers send eight
MAX_BODY_BYTES = 1_048_576  # one document; paths that take more name their own limit
MAX_URL_CHARACTERS = 8_192  # what servers commonly take in a request line
MAX_LAST_SIGNED_BYTES = 262_144  # a guard file: some hundred bytes a log and key
MAX_ROUTES_BYTES = 1_048_576  # a routes file: some 10,000 hosts
MAX_ENTRIES_CACHED = 1_024  # parsed entries a replica keeps at hand: 5 MB or so

# --- databases of servers --------------------------------------------------------------------
DATABASE_CONNECTIONS = 16  # of one store, unless it is set: its threads, and one that writes
MIN_DATABASE_CONNECTIONS = 4  # one writes, one is asked for health, two read
MAX_DATABASE_CONNECTIONS = 128  # each is a process of the server with some megabytes
DATABASE_CONNECT_SECONDS = 5  # to one address of a server
DATABASE_LOCK_SECONDS = 10  # a writer waits so long for the one before it, as with SQLite
DATABASE_STATEMENT_SECONDS = 60  # one statement; the longest of a service take milliseconds
