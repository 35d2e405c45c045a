-- +goose Up

-- A connector that was replaced. Its provider still reports on what went out
-- through it.
CREATE TABLE retired_connectors (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    factory_id TEXT NOT NULL,
    config BLOB NOT NULL, -- sealed
    version TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER NOT NULL
);

-- hard, soft or ''. source is who says so: '' for this service, else the id
-- of the factory whose provider does.
ALTER TABLE events ADD COLUMN bounce TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN source TEXT NOT NULL DEFAULT '';

-- What callbacks have said already, so that nothing counts twice.
CREATE TABLE callback_marks (
    hash TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX callback_marks_age ON callback_marks (created_at);

-- Addresses that a tenant does not write to.
CREATE TABLE suppressions (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    address_key TEXT NOT NULL, -- as compared
    address TEXT NOT NULL, -- as given
    scope TEXT NOT NULL, -- all, or strangers: the types that a stranger can cause
    reason TEXT NOT NULL, -- bounced, complained or manual
    detail TEXT NOT NULL,
    message_id TEXT NOT NULL, -- '' for none
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, address_key)
) WITHOUT ROWID;

-- Who changed what. details is JSON, with secrets masked.
CREATE TABLE audit_log (
    id TEXT PRIMARY KEY, -- rises with time
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);
