-- +goose Up

-- When a key was last used, to a few minutes; 0 is never.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;

-- Tells what was sent or tried of late: of an address, an IP address, a tenant.
CREATE TABLE limits (
    key TEXT PRIMARY KEY, -- keyed hash of what is limited
    state BLOB NOT NULL, -- package limits
    ends_at INTEGER NOT NULL -- from then on the row says nothing
) WITHOUT ROWID;
CREATE INDEX limits_ends ON limits (ends_at);

-- The directory: who and what mails tell of. branding, custom_data and profile
-- are JSON; search holds what is searched, folded, one field a line. version
-- rises with each change.
CREATE TABLE applications (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    custom_data TEXT NOT NULL,
    display_name TEXT NOT NULL, -- of its sign-in experience, as is branding
    branding TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE organizations (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    custom_data TEXT NOT NULL,
    branding TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE users (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    username TEXT, -- NULL, here and below: has none
    primary_email TEXT,
    email_key TEXT, -- as compared
    primary_phone TEXT,
    name TEXT,
    avatar TEXT,
    profile TEXT NOT NULL,
    custom_data TEXT NOT NULL,
    is_suspended BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username),
    UNIQUE (tenant_id, email_key),
    UNIQUE (tenant_id, primary_phone)
);

CREATE TABLE organization_roles (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE organization_members (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, organization_id, user_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_members_user ON organization_members (tenant_id, user_id);

CREATE TABLE organization_member_roles (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, organization_id, user_id, role_id),
    FOREIGN KEY (tenant_id, organization_id, user_id)
        REFERENCES organization_members (tenant_id, organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_member_roles_role ON organization_member_roles (tenant_id, role_id);

-- An invitation that is Pending past expires_at has expired; no row is touched
-- for that.
CREATE TABLE organization_invitations (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    inviter_id TEXT, -- NULL for none; stays when the user goes
    invitee TEXT NOT NULL, -- as given
    invitee_key TEXT NOT NULL, -- as compared
    accepted_user_id TEXT,
    status TEXT NOT NULL,
    message BLOB, -- sealed variables of its mail, for reminders; NULL without
    reminders TEXT NOT NULL, -- JSON: days after created_at
    next_reminder_at INTEGER NOT NULL, -- 0 for no further one
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX organization_invitations_pending
    ON organization_invitations (tenant_id, organization_id, invitee_key) WHERE status = 'Pending';
CREATE INDEX organization_invitations_organization ON organization_invitations (tenant_id, organization_id);
CREATE INDEX organization_invitations_invitee ON organization_invitations (tenant_id, invitee_key);
CREATE INDEX organization_invitations_due ON organization_invitations (next_reminder_at)
    WHERE status = 'Pending' AND next_reminder_at > 0;

CREATE TABLE organization_invitation_roles (
    tenant_id TEXT NOT NULL,
    invitation_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, invitation_id, role_id),
    FOREIGN KEY (tenant_id, invitation_id) REFERENCES organization_invitations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_invitation_roles_role ON organization_invitation_roles (tenant_id, role_id);
