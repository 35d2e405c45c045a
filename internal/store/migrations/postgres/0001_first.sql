-- +goose Up

-- What the service knows about this database itself.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL -- times are milliseconds since 1970; 0 is never
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- separated by spaces
    hint TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE connectors (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    slot BIGINT NOT NULL, -- 0: in use
    factory_id TEXT NOT NULL,
    config BYTEA NOT NULL, -- sealed
    version TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, slot)
);

CREATE TABLE verification_codes (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    address TEXT NOT NULL,
    type TEXT NOT NULL,
    session_id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX verification_codes_subject ON verification_codes (address, type, session_id, tenant_id);

CREATE TABLE messages (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    type TEXT NOT NULL,
    recipient TEXT NOT NULL,
    address TEXT NOT NULL,
    ip TEXT NOT NULL,
    payload BYTEA, -- sealed; NULL once the message has ended
    supersedes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX messages_address ON messages (address, tenant_id, id);
CREATE INDEX messages_open ON messages (tenant_id) WHERE status = 'accepted';

CREATE TABLE message_dedupe (
    hash TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE attempts (
    message_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    connector_id TEXT NOT NULL,
    factory_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    class TEXT NOT NULL, -- '' when the provider took it
    status BIGINT NOT NULL,
    enhanced TEXT NOT NULL,
    answer TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    PRIMARY KEY (message_id, number)
);

CREATE TABLE events (
    message_id TEXT NOT NULL,
    id TEXT NOT NULL, -- rises with time
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (message_id, id)
);

CREATE TABLE inbox (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    raw BYTEA NOT NULL, -- sealed
    UNIQUE (tenant_id, message_id)
);
CREATE INDEX inbox_newest ON inbox (tenant_id, id);

CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    request BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    answer BYTEA, -- sealed; NULL while the request runs
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
