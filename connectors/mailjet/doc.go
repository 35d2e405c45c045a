// Package mailjet is the connector for Mailjet (https://dev.mailjet.com): the
// request that sends one mail, the classes of its refusals, which also come
// within a success, and the events that it reports.
package mailjet
