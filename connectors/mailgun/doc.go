// Package mailgun is the connector for Mailgun
// (https://documentation.mailgun.com): the request that sends one mail,
// rendered here or from a template that is kept there, the classes of its
// refusals, and the events that it reports.
package mailgun
