package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/tenants"
)

// experienceID is the id that Logto gives the one sign-in experience of a
// tenant.
const experienceID = "default"

type experienceJSON struct {
	TenantID     string           `json:"tenantId" example:"default"`
	ID           string           `json:"id" enum:"default"`
	LanguageInfo languageInfoJSON `json:"languageInfo"`
	CodePolicy   codePolicyJSON   `json:"verificationCodePolicy"`
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
		scope: access.Management, summary: "Get the settings for languages and codes",
	}, func(ctx context.Context, _ *struct{}) (*experienceOutput, error) {
		tenantID := callOf(ctx).key.TenantID
		settings, err := s.Settings.Settings(ctx, tenantID)
		return experienceOf(tenantID, settings), err
	})
	register(s, operation{
		id: "updateSignInExperience", method: http.MethodPatch, path: "/api/sign-in-exp", tag: tagSettings,
		scope: access.Management, summary: "Change settings for languages and codes",
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
