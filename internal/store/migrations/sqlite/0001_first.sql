-- +goose Up

-- What the service knows about this database itself.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL -- times are milliseconds since 1970; 0 is never
) WITHOUT ROWID;

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- separated by spaces
    hint TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
);

CREATE TABLE connectors (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    slot INTEGER NOT NULL, -- 0: in use
    factory_id TEXT NOT NULL,
    config BLOB NOT NULL, -- sealed
    version TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, slot)
);

CREATE TABLE verification_codes (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    address TEXT NOT NULL,
    type TEXT NOT NULL,
    session_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX verification_codes_subject ON verification_codes (address, type, session_id, tenant_id);

CREATE TABLE messages (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    type TEXT NOT NULL,
    recipient TEXT NOT NULL,
    address TEXT NOT NULL,
    ip TEXT NOT NULL,
    payload BLOB, -- sealed; NULL once the message has ended
    supersedes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX messages_address ON messages (address, tenant_id, id);
CREATE INDEX messages_open ON messages (tenant_id) WHERE status = 'accepted';

CREATE TABLE message_dedupe (
    hash TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE attempts (
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    connector_id TEXT NOT NULL,
    factory_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    class TEXT NOT NULL, -- '' when the provider took it
    status INTEGER NOT NULL,
    enhanced TEXT NOT NULL,
    answer TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    PRIMARY KEY (message_id, number)
) WITHOUT ROWID;

CREATE TABLE events (
    message_id TEXT NOT NULL,
    id TEXT NOT NULL, -- rises with time
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (message_id, id)
) WITHOUT ROWID;

CREATE TABLE inbox (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    raw BLOB NOT NULL, -- sealed
    UNIQUE (tenant_id, message_id)
);
CREATE INDEX inbox_newest ON inbox (tenant_id, id);

CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    answer BLOB, -- sealed; NULL while the request runs
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The embedded queue (internal/queue); on PostgreSQL River has its own tables.
-- While an engine has a job, owner and lease are set. Times are nanoseconds.
CREATE TABLE jobs (
    message_id TEXT    NOT NULL PRIMARY KEY,
    priority   INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    due_at     INTEGER NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    owner      INTEGER,
    lease      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_waiting ON jobs (priority, due_at) WHERE owner IS NULL;

CREATE TABLE job_owners (
    id           INTEGER NOT NULL PRIMARY KEY,
    leased_until INTEGER NOT NULL
) STRICT;
