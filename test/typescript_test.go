//go:build unix

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postern-mail/postern/test/servers"
)

// TestTypeScriptClient builds clients/typescript, checks the types of its
// examples, and runs its tests against a running service. It does so in a copy,
// so that nothing of it is left in the checkout.
func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs node and npm")
	}
	source := filepath.Join("..", "clients", "typescript")
	modules := servers.NodeModules(t, source)
	folder := t.TempDir()
	for _, name := range []string{"package.json", "tsconfig.json", "tsconfig.test.json", "src", "test", "examples"} {
		copyTo(t, filepath.Join(folder, name), filepath.Join(source, name))
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	node := startNode(t, nodeOptions{data: t.TempDir()})
	cmd := exec.CommandContext(t.Context(), "npm", "test")
	cmd.Dir = folder
	cmd.Env = append(clean(os.Environ()), "POSTERN_URL="+node.base, "POSTERN_API_KEY="+managementKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("npm test: %v\n%s", err, out)
	}
}

// copyTo copies a file, or a folder with all that is in it.
func copyTo(t *testing.T, to, from string) {
	t.Helper()
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else if err == nil {
		var data []byte
		if data, err = os.ReadFile(from); err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
