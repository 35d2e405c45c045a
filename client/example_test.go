package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/client"
)

// Send a code, and check what the person types.
func Example() {
	ctx := context.Background()
	service := startService()
	defer service.stop()

	c, err := client.New(service.url, service.key)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.SendCode(ctx, client.CodeRequest{
		Email: "ann@example.com", Type: client.SignIn, UILocales: "de-CH en", SessionID: "browser-1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, typed := range []string{"0", service.newestCode("ann@example.com")} {
		err := c.VerifyCode(ctx, client.Verification{
			Email: "ann@example.com", Code: typed, Type: client.SignIn, SessionID: "browser-1",
		})
		switch {
		case err == nil:
			fmt.Println("signed in")
		case errors.Is(err, client.ErrCodeMismatch):
			fmt.Println("not the right code: try again")
		case errors.Is(err, client.ErrCodeExpired), errors.Is(err, client.ErrCodeNotFound), errors.Is(err, client.ErrTooManyTries):
			fmt.Println("ask for a new code")
		default:
			fmt.Println(err) // ErrBlocked, ErrRateLimited, a service that is down …
		}
	}
	// Output:
	// not the right code: try again
	// signed in
}

// Show what is wrong with an address, and when to come again.
func ExampleError() {
	service := startService()
	defer service.stop()
	c, err := client.New(service.url, service.key)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = c.SendCode(context.Background(), client.CodeRequest{Email: "ann@example.com, bob@example.com"})
	if refused, ok := errors.AsType[*client.Error](err); ok {
		for _, issue := range refused.Issues {
			fmt.Println(issue)
		}
		if refused.RetryAfter > 0 {
			fmt.Println("come again in", refused.RetryAfter)
		}
	}
	// Output:
	// email: not one e-mail address of the form name@example.com
}

// Hand over a mail with a code of one's own, and see what became of it.
func ExampleClient_SendMessage() {
	ctx := context.Background()
	service := startService()
	defer service.stop()
	c, err := client.New(service.url, service.key)
	if err != nil {
		fmt.Println(err)
		return
	}

	receipt, err := c.SendMessage(ctx, client.MessageRequest{
		To: "ann@example.com", Type: client.SignIn, Payload: map[string]any{"code": "123456", "locale": "de"},
		Wait: 30 * time.Second,
	})
	if err != nil {
		fmt.Println(err) // ErrNotSent where the provider refused it for good
		return
	}
	message, err := c.Message(ctx, receipt.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(message.To, message.Status)
	// Output: ann@example.com sent
}

// Invite somebody to an organization, and again in another language.
func ExampleClient_CreateInvitation() {
	ctx := context.Background()
	service, organizationID := startOrganization()
	defer service.stop()
	c, err := client.New(service.url, service.key)
	if err != nil {
		fmt.Println(err)
		return
	}

	mail := client.InvitationMail{Link: "https://app.example.com/join?invitation=x7f", Locale: "de"}
	invitation, err := c.CreateInvitation(ctx, client.InvitationRequest{
		OrganizationID: organizationID, Invitee: "ann@example.com", ExpiresAt: time.Now().Add(7 * 24 * time.Hour), Mail: &mail,
	})
	if errors.Is(err, client.ErrExists) {
		fmt.Println("was invited already")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	mail.Locale = "en"
	if _, err := c.ResendInvitation(ctx, invitation.ID, mail); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(invitation.Invitee, invitation.Status)
	// Output: ann@example.com Pending
}
