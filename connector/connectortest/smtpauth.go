package connectortest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// exchange is the server's side of a SASL mechanism: it gets the client's
// responses one by one (nil at first when there is no initial one).
type exchange func(response []byte) (challenge []byte, done bool, err error)

func (e exchange) Next(response []byte) ([]byte, bool, error) { return e(response) }

// mechanism makes the server's side; passed is set when the client proved
// itself.
func (s *SMTPServer) mechanism(name string, passed *bool) (sasl.Server, error) {
	finish := func(ok bool) ([]byte, bool, error) {
		*passed = ok
		if !ok {
			return nil, false, smtp.ErrAuthFailed
		}
		return []byte{}, true, nil
	}
	switch name {
	case "PLAIN":
		return exchange(func(response []byte) ([]byte, bool, error) {
			return finish(string(response) == "\x00"+s.options.User+"\x00"+s.options.Pass)
		}), nil
	case "LOGIN":
		return s.login(finish), nil
	case "CRAM-MD5":
		return s.cramMD5(finish), nil
	case "SCRAM-SHA-1":
		return s.scram(sha1.New, finish), nil
	case "SCRAM-SHA-256":
		return s.scram(sha256.New, finish), nil
	case "XOAUTH2":
		return s.xoauth2(finish), nil
	default:
		return nil, smtp.ErrAuthUnknownMechanism
	}
}

type finisher func(ok bool) ([]byte, bool, error)

func (s *SMTPServer) login(finish finisher) exchange {
	var heard []string
	return func(response []byte) ([]byte, bool, error) {
		if response != nil {
			heard = append(heard, string(response))
		}
		switch len(heard) {
		case 0:
			return []byte("Username:"), false, nil
		case 1:
			return []byte("Password:"), false, nil
		default:
			return finish(heard[0] == s.options.User && heard[1] == s.options.Pass)
		}
	}
}

func (s *SMTPServer) cramMD5(finish finisher) exchange {
	challenge := []byte("<" + rand.Text() + "@mx.example.test>")
	return func(response []byte) ([]byte, bool, error) {
		if response == nil {
			return challenge, false, nil
		}
		mac := hmac.New(md5.New, []byte(s.options.Pass))
		mac.Write(challenge)
		return finish(string(response) == fmt.Sprintf("%s %x", s.options.User, mac.Sum(nil)))
	}
}

// xoauth2 follows https://developers.google.com/gmail/imap/xoauth2-protocol:
// a failure is told in a challenge first.
func (s *SMTPServer) xoauth2(finish finisher) exchange {
	told := false
	return func(response []byte) ([]byte, bool, error) {
		if told {
			return finish(false)
		}
		token, ok := strings.CutPrefix(string(response), "user="+s.options.User+"\x01auth=Bearer ")
		token, ended := strings.CutSuffix(token, "\x01\x01")
		good := token == s.options.Pass
		if s.options.Token != nil {
			good = s.options.Token(token)
		}
		if ok && ended && good {
			return finish(true)
		}
		told = true
		return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
	}
}

// scramRounds is the iteration count of the server's SCRAM.
const scramRounds = 4096

// scram is RFC 5802 without channel binding.
func (s *SMTPServer) scram(h func() hash.Hash, finish finisher) exchange {
	sum := func(key []byte, text string) []byte {
		mac := hmac.New(h, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	salt := []byte(rand.Text())
	var first, second, nonce string
	step := 0
	return func(response []byte) ([]byte, bool, error) {
		text := string(response)
		switch {
		case response == nil || len(response) == 0 && step == 0:
			return nil, false, nil
		case step == 0:
			bare, ok := strings.CutPrefix(text, "n,,n="+s.options.User+",r=")
			if !ok {
				return finish(false)
			}
			step, nonce = 1, bare+rand.Text()
			first = "n=" + s.options.User + ",r=" + bare
			second = fmt.Sprintf("r=%s,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString(salt), scramRounds)
			return []byte(second), false, nil
		case step == 1:
			step = 2
			return s.scramProof(h, sum, salt, text, nonce, first+","+second, finish)
		default:
			return finish(true)
		}
	}
}

func (s *SMTPServer) scramProof(h func() hash.Hash, sum func([]byte, string) []byte, salt []byte,
	text, nonce, before string, finish finisher,
) ([]byte, bool, error) {
	final, proof, _ := strings.Cut(text, ",p=")
	salted, err := pbkdf2.Key(h, s.options.Pass, salt, scramRounds, h().Size())
	if err != nil {
		return nil, false, errors.New("no key")
	}
	clientKey := sum(salted, "Client Key")
	stored := h()
	stored.Write(clientKey)
	signature := sum(stored.Sum(nil), before+","+final)
	want := make([]byte, len(clientKey))
	subtle.XORBytes(want, clientKey, signature)
	got, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || final != "c=biws,r="+nonce || !bytes.Equal(got, want) {
		return finish(false)
	}
	server := sum(sum(salted, "Server Key"), before+","+final)
	return []byte("v=" + base64.StdEncoding.EncodeToString(server)), false, nil
}
