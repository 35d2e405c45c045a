package secrets_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/secrets"
)

func newKeys(t testing.TB) *secrets.Keys {
	t.Helper()
	data, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	k, err := secrets.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensForItsPurposeOnly(t *testing.T) {
	t.Parallel()
	keys, others := newKeys(t), newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		purpose := rapid.String().Draw(t, "purpose")
		sealed, err := keys.Seal(plain, purpose)
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the sealed value shows the plain one")
		}
		got, err := keys.Open(sealed, purpose)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("open: %q, %v", got, err)
		}
		if _, err := keys.Open(sealed, purpose+"x"); err == nil {
			t.Fatal("opened for another purpose")
		}
		if _, err := others.Open(sealed, purpose); err == nil {
			t.Fatal("opened with another keyset")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := keys.Open(sealed, purpose); err == nil {
			t.Fatal("opened after it was changed")
		}
	})
}

func TestHashKeepsPartsApart(t *testing.T) {
	t.Parallel()
	keys, others := newKeys(t), newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.StringN(0, 3, -1), 1, 4).Draw(t, "a")
		b := rapid.SliceOfN(rapid.StringN(0, 3, -1), 1, 4).Draw(t, "b")
		hash, err := keys.Hash(a...)
		if err != nil {
			t.Fatal(err)
		}
		if !keys.Matches(hash, a...) {
			t.Fatal("does not match its own parts")
		}
		same := len(a) == len(b) && strings.Join(a, "\x00") == strings.Join(b, "\x00")
		if keys.Matches(hash, b...) && !same {
			t.Fatalf("the hash of %q matches %q", a, b)
		}
		if others.Matches(hash, a...) {
			t.Fatal("matches under another keyset")
		}
	})
	hash, err := keys.Hash("ab", "c")
	if err != nil || keys.Matches(hash, "a", "bc") || keys.Matches(hash, "abc") {
		t.Errorf("parts run together: %v", err)
	}
}

func TestKeysetFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := secrets.Load(dir); !errors.Is(err, secrets.ErrNoKeyset) {
		t.Fatalf("load from an empty folder: %v", err)
	}
	var made [8]*secrets.Keys
	var group sync.WaitGroup
	for i := range made {
		group.Go(func() {
			var err error
			if made[i], err = secrets.Create(dir); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	hash, err := made[0].Hash("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range made {
		if !k.Matches(hash, "x") {
			t.Error("processes that started at once have different keysets")
		}
	}
	info, err := os.Stat(filepath.Join(dir, secrets.FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("keyset file: %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
	loaded, err := secrets.Load(dir)
	if err != nil || !loaded.Matches(hash, "x") {
		t.Errorf("load: %v", err)
	}
}

func TestParseTellsNothingOfABrokenKeyset(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		"", "{}", `{"seal":{},"hash":{}}`, `{"seal":"hunter2","hash":"hunter2"}`, `hunter2`,
		`{"seal":{"primaryKeyId":1,"key":[{"keyData":{"value":"hunter2"}}]},"hash":{}}`,
	} {
		_, err := secrets.Parse([]byte(data))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("parse %q: %v", data, err)
		}
	}
}
