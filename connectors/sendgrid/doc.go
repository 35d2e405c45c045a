// Package sendgrid is the connector for Twilio SendGrid
// (https://www.twilio.com/docs/sendgrid/api-reference/mail-send): the request
// that sends one mail, the classes of its refusals, and the events that it
// reports.
package sendgrid
