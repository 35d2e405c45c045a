// The part of the API that docs/openapi.json does not list yet. It goes when
// the document has it.

type Id = { path: { id: string } };
type Answer<Status extends number, Body> = { [S in Status]: { headers: { [name: string]: unknown }; content: { "application/json": Body } } };

/** An address that was invited to an organization. Times are milliseconds since 1970. */
export type Invitation = {
  id: string;
  tenantId: string;
  inviterId: string | null;
  invitee: string;
  acceptedUserId: string | null;
  organizationId: string;
  status: "Pending" | "Accepted" | "Expired" | "Revoked";
  createdAt: number;
  updatedAt: number;
  expiresAt: number;
  organizationRoles: { id: string; name: string }[];
};

/** The variables of an invitation's mail. */
export type InvitationMail = {
  /** Where the invitee accepts; http or https. */
  link: string;
  locale?: string;
  uiLocales?: string;
  [variable: string]: unknown;
};

/** Invites an address to an organization. */
export type NewInvitation = {
  organizationId: string;
  invitee: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  inviterId?: string;
  organizationRoleIds?: string[];
  /** The mail to the invitee; no mail without. */
  messagePayload?: false | InvitationMail;
  /** Days after which the mail is sent again, while the invitation is pending. */
  reminders?: number[];
};

/** The paths of invitations, in the form of openapi-typescript. */
export interface InvitationPaths {
  "/api/organization-invitations": {
    post: {
      parameters: { header?: Record<string, string> };
      requestBody: { content: { "application/json": NewInvitation } };
      responses: Answer<201, Invitation>;
    };
  };
  "/api/organization-invitations/{id}": { get: { parameters: Id; responses: Answer<200, Invitation> } };
  "/api/organization-invitations/{id}/message": {
    post: {
      parameters: Id & { header?: Record<string, string> };
      requestBody: { content: { "application/json": InvitationMail } };
      responses: { 204: { headers: { [name: string]: unknown }; content?: never } };
    };
  };
  "/api/organization-invitations/{id}/status": {
    put: {
      parameters: Id;
      requestBody: { content: { "application/json": { status: "Accepted" | "Revoked"; acceptedUserId?: string } } };
      responses: Answer<200, Invitation>;
    };
  };
}
