// Package mailjunky is the connector for MailJunky (https://mailjunky.ai/docs):
// the request that sends one mail, and the words of its refusals. MailJunky
// documents no events.
package mailjunky
