// Package smtp2go is the connector for SMTP2GO
// (https://developers.smtp2go.com): the request that sends one mail, the
// classes of its refusals, and the events that it reports.
package smtp2go
