package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postern-mail/postern/connector"
)

// dkimSettings are the key that mails are signed with (RFC 6376, RFC 8463); the
// zero value signs none.
type dkimSettings struct {
	DomainName  string           `json:"domainName" form:",required"`
	KeySelector string           `json:"keySelector" form:",required"`
	PrivateKey  connector.Secret `json:"privateKey" form:",required"`
}

// minRSABits is the least length of an RSA key that receivers should still
// take (RFC 8301 section 3.2).
const minRSABits = 2048

// Validate implements connector.Validator.
func (d dkimSettings) Validate() []connector.Issue {
	var v issues
	v.unless(validDNSName(d.DomainName), "must be a domain name", "domainName")
	v.unless(validDNSName(d.KeySelector), "must be a DKIM selector", "keySelector")
	key, err := parseKey(d.PrivateKey)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		v.unless(k.N.BitLen() >= minRSABits, "must have 2048 bits or more", "privateKey")
	case ed25519.PrivateKey:
	default:
		v.unless(err == nil, "must be a private key in PEM form", "privateKey")
		v.unless(err != nil, "must be an RSA or Ed25519 key", "privateKey")
	}
	return v
}

// validDNSName reports whether s is one or more DNS labels in ASCII, as the
// d= and s= tags take them.
func validDNSName(s string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, odd) {
			return false
		}
	}
	return len(s) <= maxName
}

// parseKey reads a private key from PEM: PKCS #8 or PKCS #1. Its errors tell
// nothing of the key.
func parseKey(text connector.Secret) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("no private key")
}

// signedHeaders lists what the signature covers. A name that stands once more
// than the mail has the header ("oversigned", RFC 6376 section 8.15) lets
// nobody add one on the way. The rest may be absent, and is then guarded the
// same way by standing here at all.
func signedHeaders() []string {
	return []string{
		"From", "From", "To", "To", "Subject", "Subject", "Date", "Date",
		"Message-ID", "Message-ID", "Reply-To", "Reply-To",
		"MIME-Version", "MIME-Version", "Content-Type", "Content-Type",
		"Content-Transfer-Encoding", "Cc",
	}
}

// signer signs mails; without options it signs none.
type signer struct{ options *dkim.SignOptions }

func newSigner(d dkimSettings) (signer, error) {
	if d.PrivateKey == "" {
		return signer{}, nil
	}
	key, err := parseKey(d.PrivateKey)
	if err != nil {
		return signer{}, fmt.Errorf("dkim: %w", err)
	}
	return signer{options: &dkim.SignOptions{
		Domain:                 d.DomainName,
		Selector:               d.KeySelector,
		Signer:                 key,
		Hash:                   crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
		HeaderKeys:             signedHeaders(),
	}}, nil
}

// sign returns raw with a DKIM-Signature in front.
func (s signer) sign(raw []byte) ([]byte, error) {
	if s.options == nil {
		return raw, nil
	}
	sign, err := dkim.NewSigner(s.options)
	if err != nil {
		return nil, fmt.Errorf("dkim: %w", err)
	}
	if _, err := sign.Write(raw); err != nil {
		return nil, errors.Join(fmt.Errorf("dkim: %w", err), sign.Close())
	}
	if err := sign.Close(); err != nil {
		return nil, fmt.Errorf("dkim: %w", err)
	}
	return bytes.Join([][]byte{[]byte(sign.Signature()), raw}, nil), nil
}
