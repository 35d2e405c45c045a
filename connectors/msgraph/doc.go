// Package msgraph is the connector for mailboxes of Microsoft 365 through
// Microsoft Graph (https://learn.microsoft.com/graph/api/user-sendmail): the
// request that sends one mail in the name of a mailbox, and the classes of its
// refusals. Graph reports nothing about a mail once it has taken it.
package msgraph
