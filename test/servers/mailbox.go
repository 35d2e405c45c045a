//go:build unix

package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
)

// pollInterval is how often WaitFor looks into a mailbox.
const pollInterval = 10 * time.Millisecond

// Mail is one delivered mail.
type Mail struct {
	// From is the envelope sender (RFC 5321 MAIL FROM), To the envelope
	// recipient.
	From, To string
	// Header gives the fields, decoded by its methods.
	Header mail.Header
	// Text and HTML are the decoded bodies; empty when there is none.
	Text, HTML string
	// Raw is the whole file, with LF line ends and the fields that Postfix
	// put before those of the sender.
	Raw []byte
}

// Read returns the mails delivered to address so far, oldest first.
func (p *PostfixServer) Read(t testing.TB, address string) []Mail {
	t.Helper()
	mails, err := p.read(address)
	if err != nil {
		t.Fatalf("read the mailbox of %s: %v", address, err)
	}
	return mails
}

// WaitFor returns the oldest mail of address, waiting for it until ctx ends.
func (p *PostfixServer) WaitFor(t testing.TB, ctx context.Context, address string) Mail { //nolint:revive // the test comes first, as everywhere in this package
	t.Helper()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for {
		if mails := p.Read(t, address); len(mails) > 0 {
			return mails[0]
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("no mail for %s: %v\nPostfix's log:%s", address, ctx.Err(), p.Log())
		}
	}
}

func (p *PostfixServer) read(address string) ([]Mail, error) {
	folder := filepath.Join(p.folder, "mail", catchAll, "new")
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // made with the first mail
	}
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	type arrival struct {
		at   time.Time
		mail Mail
	}
	var found []arrival
	for _, entry := range entries {
		// A file in new/ is complete and never changes (maildir(5)).
		raw, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		m, err := parseMail(raw)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", entry.Name(), err)
		}
		if !strings.EqualFold(m.To, address) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		found = append(found, arrival{info.ModTime(), m})
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].at.Before(found[j].at) })
	mails := make([]Mail, len(found))
	for i := range found {
		mails[i] = found[i].mail
	}
	return mails, nil
}

func parseMail(raw []byte) (Mail, error) {
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("header: %w", err)
	}
	m := Mail{
		From:   strings.Trim(reader.Header.Get("Return-Path"), "<>"),
		To:     reader.Header.Get("Delivered-To"),
		Header: reader.Header,
		Raw:    raw,
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return Mail{}, fmt.Errorf("next part: %w", err)
		}
		inline, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue // an attachment
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return Mail{}, fmt.Errorf("body: %w", err)
		}
		switch kind, _, err := inline.ContentType(); {
		case err != nil:
			return Mail{}, fmt.Errorf("content type: %w", err)
		case kind == "text/html":
			m.HTML = string(body)
		default:
			m.Text = string(body)
		}
	}
}
