// Package client calls Postern from a Go backend: it sends and checks
// verification codes, hands over mails, and makes invitations. It needs the
// standard library alone.
//
//	c, err := client.New("https://postern.internal:3001", key)
//	…
//	_, err = c.SendCode(ctx, client.CodeRequest{Email: email, Type: client.SignIn})
//	…
//	err = c.VerifyCode(ctx, client.Verification{Email: email, Code: typed, Type: client.SignIn})
//	if errors.Is(err, client.ErrCodeMismatch) { … }
//
// What the service refuses is an *Error; the errors of this package (ErrCodeMismatch
// and others) say what a caller branches on. A call that may be repeated
// safely is, where the connection was lost or a proxy had no service to pass it
// to. The key is in no error and in nothing that prints a Client.
//
// What a tenant sets up (connectors, templates, settings) is not here: the
// console, the command postern and the HTTP API at /api/docs are for that.
package client
