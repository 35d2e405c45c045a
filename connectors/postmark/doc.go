// Package postmark is the connector for Postmark
// (https://postmarkapp.com/developer): the request that sends one mail from a
// template that is kept there, the classes of its refusals, and the events
// that it reports.
package postmark
