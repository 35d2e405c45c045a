// Package gmail is the connector for mailboxes of Google Workspace through the
// Gmail API (https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send):
// the request that sends one mail in the name of a user, and the classes of
// its refusals. Gmail reports nothing about a mail once it has taken it.
package gmail
