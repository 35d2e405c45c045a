// Package resend is the connector for Resend (https://resend.com/docs): the
// request that sends one mail, the classes of its refusals, and the events
// that it reports.
package resend
