-- +goose Up

-- template_revision is another number after each change of a tenant's
-- templates or partials. settings is JSON; a key that is missing has its default.
ALTER TABLE tenants ADD COLUMN template_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

CREATE TABLE email_templates (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    language TEXT NOT NULL,
    language_key TEXT NOT NULL, -- in lower case
    type TEXT NOT NULL,
    details TEXT NOT NULL, -- JSON
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    UNIQUE (tenant_id, language_key, type)
);

CREATE TABLE email_template_versions (
    template_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    details TEXT NOT NULL,
    at BIGINT NOT NULL,
    by_key TEXT NOT NULL,
    PRIMARY KEY (template_id, number)
);

CREATE TABLE email_partials (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
