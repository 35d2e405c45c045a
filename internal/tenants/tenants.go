package tenants

import "time"

// Default is the tenant that the first start makes.
const Default = "default"

// Tenant is an isolated set of connector, keys, messages and people.
type Tenant struct {
	ID        string
	Name      string
	CreatedAt time.Time
}
