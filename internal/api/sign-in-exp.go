package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/tenants"
)

// experienceID is the id that Logto gives the one sign-in experience of a
// tenant.
const experienceID = "default"

type experienceJSON struct {
	TenantID     string            `json:"tenantId" example:"default"`
	ID           string            `json:"id" enum:"default"`
	LanguageInfo languageInfoJSON  `json:"languageInfo"`
	CodePolicy   codePolicyJSON    `json:"verificationCodePolicy"`
	Sentinel     sentinelJSON      `json:"sentinelPolicy"`
	RateLimit    rateLimitJSON     `json:"messageRateLimit"`
	Blocklist    blocklistJSON     `json:"emailBlocklistPolicy"`
	Branding     branding.Branding `json:"branding" doc:"How the tenant looks in mails, where neither application nor organization nor connector say so."`
}

type sentinelJSON struct {
	MaxAttempts     int `json:"maxAttempts" example:"100" doc:"Failed tries in an hour at one address, whatever the code: 1 to 1000."`
	LockoutDuration int `json:"lockoutDuration" example:"60" doc:"Minutes that no code of the address is looked at then: 1 to 1440."`
}

type rateLimitJSON struct {
	Recipient quotaJSON `json:"recipient" doc:"Mails to one person's address, codes and invitations apart. limit: 1 to 1000."`
	IP        quotaJSON `json:"ip" doc:"Mails on behalf of one client, when calls give ip. limit: up to 1000000, 0 for any number."`
	Tenant    quotaJSON `json:"tenant" doc:"Mails in all. limit: up to 100000000, 0 for any number."`
}

type quotaJSON struct {
	Limit  int `json:"limit" example:"10"`
	Window int `json:"window" example:"600" doc:"Seconds: 60 to 86400."`
}

type blocklistJSON struct {
	BlockDisposable bool     `json:"blockDisposableAddresses" doc:"Refuse domains of mailboxes to be thrown away."`
	BlockSub        bool     `json:"blockSubaddressing" doc:"Refuse addresses with a +tag."`
	Block           []string `json:"customBlocklist" nullable:"false" example:"[\"eve@mail.example\",\"@evil.example\",\"@*.evil.example\",\"noreply-*@mail.example\"]" doc:"Up to 1,000 addresses, domains, all subdomains of a domain, or patterns."`
	Allow           []string `json:"customAllowlist" nullable:"false" example:"[\"@acme.example\"]" doc:"In the same form: unless it is empty, nothing else is allowed."`
}

type languageInfoJSON struct {
	AutoDetect       bool   `json:"autoDetect" doc:"Accept-Language chooses in calls from people's browsers; management calls never look at it."`
	FallbackLanguage string `json:"fallbackLanguage" example:"en" doc:"Language where nothing else chooses (BCP 47)."`
}

type codePolicyJSON struct {
	ExpirationDuration int `json:"expirationDuration" example:"600" doc:"Seconds that a code is valid: 60 to 3600."`
	MaxRetryAttempts   int `json:"maxRetryAttempts" example:"10" doc:"Failed tries that the active codes of an address and type share: 1 to 100."`
	CodeLength         int `json:"codeLength" example:"6" doc:"Digits: 6 to 8."`
	ActiveCodes        int `json:"activeCodes" example:"3" doc:"How many of the newest codes of an address and type stay valid: 1 to 5."`
}

func experienceOf(tenantID string, s tenants.Settings) *experienceOutput {
	return &experienceOutput{Body: experienceJSON{
		TenantID: tenantID, ID: experienceID, LanguageInfo: languageInfoJSON(s.LanguageInfo),
		CodePolicy: codePolicyJSON{
			ExpirationDuration: s.VerificationCodePolicy.ExpirationSeconds,
			MaxRetryAttempts:   s.VerificationCodePolicy.MaxTries,
			CodeLength:         s.VerificationCodePolicy.Length,
			ActiveCodes:        s.VerificationCodePolicy.ActiveCodes,
		},
		Sentinel: sentinelJSON(s.SentinelPolicy),
		RateLimit: rateLimitJSON{
			Recipient: quotaJSON(s.MessageRateLimit.Recipient), IP: quotaJSON(s.MessageRateLimit.IP),
			Tenant: quotaJSON(s.MessageRateLimit.Tenant),
		},
		Blocklist: blocklistJSON{
			BlockDisposable: s.EmailBlocklistPolicy.BlockDisposableAddresses, BlockSub: s.EmailBlocklistPolicy.BlockSubaddressing,
			Block: append([]string{}, s.EmailBlocklistPolicy.CustomBlocklist...), // a list is never null
			Allow: append([]string{}, s.EmailBlocklistPolicy.CustomAllowlist...),
		},
		Branding: s.Branding,
	}}
}

type experienceOutput struct {
	Body experienceJSON
}

type changeExperienceInput struct {
	Body changedExperienceJSON
}

// changedExperienceJSON are some of the settings. Package tenants checks their
// bounds and lays them over those there are.
type changedExperienceJSON struct {
	LanguageInfo *changedLanguageJSON `json:"languageInfo,omitempty"`
	CodePolicy   *changedPolicyJSON   `json:"verificationCodePolicy,omitempty"`
	Sentinel     *changedSentinelJSON `json:"sentinelPolicy,omitempty"`
	RateLimit    *changedLimitsJSON   `json:"messageRateLimit,omitempty"`
	Blocklist    *changedBlocksJSON   `json:"emailBlocklistPolicy,omitempty"`
	Branding     *changedLookJSON     `json:"branding,omitempty"`
}

type changedSentinelJSON struct {
	MaxAttempts     *int `json:"maxAttempts,omitempty" doc:"1 to 1000."`
	LockoutDuration *int `json:"lockoutDuration,omitempty" doc:"1 to 1440 minutes."`
}

type changedLimitsJSON struct {
	Recipient *changedQuotaJSON `json:"recipient,omitempty"`
	IP        *changedQuotaJSON `json:"ip,omitempty"`
	Tenant    *changedQuotaJSON `json:"tenant,omitempty"`
}

type changedQuotaJSON struct {
	Limit  *int `json:"limit,omitempty"`
	Window *int `json:"window,omitempty" doc:"60 to 86400 seconds."`
}

type changedBlocksJSON struct {
	BlockDisposable *bool     `json:"blockDisposableAddresses,omitempty"`
	BlockSub        *bool     `json:"blockSubaddressing,omitempty"`
	Block           *[]string `json:"customBlocklist,omitempty" doc:"Takes the place of the whole list."`
	Allow           *[]string `json:"customAllowlist,omitempty" doc:"Takes the place of the whole list."`
}

type changedLookJSON struct {
	LogoURL     *string `json:"logoUrl,omitempty" doc:"A URL (http or https); empty for none."`
	DarkLogoURL *string `json:"darkLogoUrl,omitempty"`
	Favicon     *string `json:"favicon,omitempty"`
	DarkFavicon *string `json:"darkFavicon,omitempty"`
}

type changedLanguageJSON struct {
	AutoDetect       *bool   `json:"autoDetect,omitempty"`
	FallbackLanguage *string `json:"fallbackLanguage,omitempty" example:"de" doc:"1 to 16 characters."`
}

type changedPolicyJSON struct {
	ExpirationDuration *int `json:"expirationDuration,omitempty" doc:"60 to 3600 seconds."`
	MaxRetryAttempts   *int `json:"maxRetryAttempts,omitempty" doc:"1 to 100."`
	CodeLength         *int `json:"codeLength,omitempty" doc:"6 to 8."`
	ActiveCodes        *int `json:"activeCodes,omitempty" doc:"1 to 5."`
}

func (s *server) mountSignInExperience() {
	register(s, operation{
		id: "getSignInExperience", method: http.MethodGet, path: "/api/sign-in-exp", tag: tagSettings,
		scope: access.Management, summary: "Get the settings for languages, codes, limits and addresses",
	}, func(ctx context.Context, _ *struct{}) (*experienceOutput, error) {
		tenantID := callOf(ctx).key.TenantID
		settings, err := s.Settings.Settings(ctx, tenantID)
		return experienceOf(tenantID, settings), err
	})
	register(s, operation{
		id: "updateSignInExperience", method: http.MethodPatch, path: "/api/sign-in-exp", tag: tagSettings,
		scope: access.Management, summary: "Change settings for languages, codes, limits and addresses",
		description: "What is not given stays as it is; keys that are not known are ignored. Takes effect at once on this " +
			"node and within a second on others.",
	}, s.changeExperience)
}

func (s *server) changeExperience(ctx context.Context, in *changeExperienceInput) (*experienceOutput, error) {
	patch, err := json.Marshal(in.Body)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	tenantID := callOf(ctx).key.TenantID
	settings, err := s.Settings.Change(ctx, tenantID, patch)
	return experienceOf(tenantID, settings), err
}
