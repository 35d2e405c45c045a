// Package azure is the connector for e-mail of Azure Communication Services
// (https://learn.microsoft.com/rest/api/communication/email/email/send): the
// signed request that sends one mail, the classes of its refusals, and the
// delivery reports that come through Event Grid.
package azure
