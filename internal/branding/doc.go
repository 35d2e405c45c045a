// Package branding holds what something looks like in mails and on pages: a
// tenant, an application, an organization.
package branding
