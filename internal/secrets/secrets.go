package secrets

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// FileName is the keyset's name in the data folder.
const FileName = "keyset.json"

// ErrNoKeyset says that the data folder holds no keyset.
var ErrNoKeyset = errors.New("no keyset")

// Keys seals and hashes. It is safe for concurrent use.
type Keys struct {
	seal tink.AEAD
	hash tink.MAC
}

// keysetFile is the keyset at rest: two Tink JSON keysets, each of which may
// hold several keys for rotation.
type keysetFile struct {
	Seal json.RawMessage `json:"seal"` // AES-256-GCM
	Hash json.RawMessage `json:"hash"` // HMAC-SHA-256
}

// Generate makes a new keyset and returns its JSON.
func Generate() ([]byte, error) {
	seal, err := newKeyset(func() (*keyset.Handle, error) { return keyset.NewHandle(aead.AES256GCMKeyTemplate()) })
	if err != nil {
		return nil, err
	}
	hash, err := newKeyset(func() (*keyset.Handle, error) { return keyset.NewHandle(mac.HMACSHA256Tag256KeyTemplate()) })
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(keysetFile{Seal: seal, Hash: hash}, "", "  ")
}

func newKeyset(generate func() (*keyset.Handle, error)) (json.RawMessage, error) {
	h, err := generate()
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return buf.Bytes(), nil
}

// Parse reads a keyset's JSON. Its errors hold nothing of the keyset.
func Parse(data []byte) (*Keys, error) {
	var f keysetFile
	if err := json.Unmarshal(data, &f); err != nil || f.Seal == nil || f.Hash == nil {
		return nil, errors.New("the keyset is not valid: expected JSON with the members seal and hash")
	}
	seal, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Seal)))
	if err != nil {
		return nil, errors.New("the keyset is not valid: its member seal is not a Tink keyset")
	}
	hash, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Hash)))
	if err != nil {
		return nil, errors.New("the keyset is not valid: its member hash is not a Tink keyset")
	}
	k := &Keys{}
	if k.seal, err = aead.New(seal); err != nil {
		return nil, fmt.Errorf("keyset member seal: %w", err)
	}
	if k.hash, err = mac.New(hash); err != nil {
		return nil, fmt.Errorf("keyset member hash: %w", err)
	}
	return k, nil
}

// Load reads the keyset file of a data folder; ErrNoKeyset when there is none.
func Load(dataDir string) (*Keys, error) {
	path := filepath.Join(dataDir, FileName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKeyset
	}
	if err != nil {
		return nil, fmt.Errorf("read keyset: %w", err)
	}
	k, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Create makes a keyset in a data folder, readable by its owner alone. When
// another process was first, it loads that one's: the file is put in place
// whole and never replaced.
func Create(dataDir string) (*Keys, error) {
	data, err := Generate()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(dataDir, FileName+".*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("create keyset: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return nil, fmt.Errorf("write keyset: %w", err)
	}
	// Link fails when the name exists, which rename would not.
	err = os.Link(tmp.Name(), filepath.Join(dataDir, FileName))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("place keyset: %w", err)
	}
	return Load(dataDir)
}

// Seal encrypts plain for one purpose (what it is and whose, e.g.
// "payload:"+message id); only Open with the same purpose reads it.
func (k *Keys) Seal(plain []byte, purpose string) ([]byte, error) {
	sealed, err := k.seal.Encrypt(plain, []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal made.
func (k *Keys) Open(sealed []byte, purpose string) ([]byte, error) {
	plain, err := k.seal.Decrypt(sealed, []byte(purpose))
	if err != nil {
		return nil, errors.New("open sealed value: it was made with another keyset or for another purpose")
	}
	return plain, nil
}

// Hash returns the keyed hash of parts (HMAC-SHA-256 with Tink's key id
// prefix). Parts are kept apart: ("ab","c") and ("a","bc") differ.
func (k *Keys) Hash(parts ...string) ([]byte, error) {
	h, err := k.hash.ComputeMAC(join(parts))
	if err != nil {
		return nil, fmt.Errorf("hash: %w", err)
	}
	return h, nil
}

// Matches reports in constant time whether hash was made from parts, by the
// current key or an older one of the keyset.
func (k *Keys) Matches(hash []byte, parts ...string) bool {
	return k.hash.VerifyMAC(hash, join(parts)) == nil
}

// join writes each part behind its length.
func join(parts []string) []byte {
	n := 0
	for _, p := range parts {
		n += len(p) + binary.MaxVarintLen64
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
