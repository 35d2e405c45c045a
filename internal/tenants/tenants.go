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

// CodePolicy rules a tenant's verification codes.
type CodePolicy struct {
	Expiration  time.Duration // how long a code is valid
	MaxTries    int           // failed tries that all active codes share
	Length      int           // digits
	ActiveCodes int           // how many of the newest codes stay valid
}

// DefaultCodePolicy returns the policy of a tenant that has set none.
func DefaultCodePolicy() CodePolicy {
	return CodePolicy{Expiration: 10 * time.Minute, MaxTries: 10, Length: 6, ActiveCodes: 3}
}
