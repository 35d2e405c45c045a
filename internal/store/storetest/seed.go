package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/postern-mail/postern/internal/address"
)

// seed fills the directory with an organization "o", roles and users.
func seed(ctx context.Context, t *testing.T, db Database) {
	t.Helper()
	driver, dsn := "pgx", db.Options.PostgresURL
	if dsn == "" {
		driver, dsn = "sqlite", "file:"+filepath.Join(db.Options.DataDir, "postern.db")+"?_pragma=busy_timeout(10000)"
	}
	c, err := sql.Open(driver, dsn)
	must(t, err)
	defer c.Close()
	exec := func(q string, args ...any) {
		_, err := c.ExecContext(ctx, q, args...)
		must(t, err)
	}
	for _, id := range []string{"o", "o2"} {
		exec(fmt.Sprintf(`INSERT INTO organizations VALUES ('%s','%s','Org','','{}','{}',1,1,1,'')`, tenant, id))
	}
	for _, id := range []string{"r1", "r2"} {
		exec(fmt.Sprintf(`INSERT INTO organization_roles VALUES ('%s','%s','role %s','','User',1,1,'')`, tenant, id, id))
	}
	for _, id := range []string{"ann", "bob"} {
		email := id + "@example.com"
		exec(fmt.Sprintf(`INSERT INTO users VALUES ('%s','%s',NULL,'%s','%s',NULL,NULL,NULL,'{}','{}',false,1,1,1,'')`, tenant, id, email, address.Key(email)))
	}
}
