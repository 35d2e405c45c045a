package connector

import "encoding/base64"

// DataURL returns an SVG picture as a data: URL, for Metadata.Logo.
func DataURL(svg []byte) string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg)
}
