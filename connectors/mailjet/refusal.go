package mailjet

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// said is an answer: one message, or an error that is about none
// (https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors).
type said struct {
	failure
	Messages []struct {
		Status string
		To     []sent
		Errors []failure
	}
}

// sent is what became of one recipient.
type sent struct {
	MessageID providerapi.Text // too large for a float
}

// id returns Mailjet's id, as events have it; "" for none.
func (s sent) id() string { return noZero(s.MessageID) }

func noZero(id providerapi.Text) string {
	if id == "0" {
		return ""
	}
	return string(id)
}

type failure struct {
	ErrorCode      string
	ErrorMessage   string
	ErrorRelatedTo []string
}

// explain reads an answer that is no 2xx.
func explain(a providerapi.Answer) providerapi.Refusal {
	var said said
	if providerapi.Decode(a, &said) != nil {
		return providerapi.Refusal{}
	}
	return said.refusal()
}

// refusal sums up the errors of an answer. The first that tells the class does.
func (s said) refusal() providerapi.Refusal {
	list := []failure{s.failure}
	for _, one := range s.Messages {
		list = append(list, one.Errors...)
	}
	var r providerapi.Refusal
	var words []string
	for _, f := range list {
		words = append(words, f.ErrorCode, f.ErrorMessage)
		if r.Class == "" {
			r.Class = f.class()
		}
	}
	r.Words = strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
	return r
}

// class returns the class of one error; "" leaves it to the status.
func (f failure) class() connector.Class {
	about := func(field string) bool {
		return slices.ContainsFunc(f.ErrorRelatedTo, func(s string) bool { return s == field || strings.HasPrefix(s, field+".") })
	}
	switch f.ErrorCode {
	case "mj-0001", "mj-0015": // a suspended key, a wrong one
		return connector.ConfigFault
	case "send-0006", "send-0007", "send-0008": // the sender is not authorized
		return connector.ConfigFault
	case "mj-0013": // not the form of an address
		switch {
		case about("To[0]"):
			return connector.Recipient
		case about("From"):
			return connector.ConfigFault
		}
	}
	return ""
}
