// Package brevo is the connector for Brevo (https://developers.brevo.com): the
// request that sends one mail, the classes of its refusals, and the events
// that it reports.
package brevo
