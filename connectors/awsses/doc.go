// Package awsses is the connector for Amazon Simple Email Service, by version 2
// of its API (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html):
// the mail, where credentials come from, the classes of refusals, and the
// events that Amazon SNS brings.
//
// AWS's own library writes, signs and reads; requests go out by
// connector/providerapi like those of every other connector, and the library
// never tries again.
package awsses
