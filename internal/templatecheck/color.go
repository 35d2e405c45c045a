package templatecheck

import (
	hexadecimal "encoding/hex"
	"math"
	"strconv"
	"strings"
)

// color is an opaque sRGB color.
type color struct{ r, g, b uint8 }

// colorOf reads a color as CSS and HTML write it. Of names it knows the
// usual ones. ok is false for anything else, and for what is not opaque.
func colorOf(s string) (c color, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if hex, found := strings.CutPrefix(s, "#"); found {
		return hexColor(hex)
	}
	if args, found := strings.CutPrefix(s, "rgb"); found {
		return rgbColor(args)
	}
	return namedColor(s)
}

func hexColor(hex string) (color, bool) {
	if len(hex) == 4 || len(hex) == 8 { // with an alpha value
		solid := strings.Repeat("f", len(hex)/4)
		if !strings.HasSuffix(hex, solid) {
			return color{}, false
		}
		hex = strings.TrimSuffix(hex, solid)
	}
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	channels, err := hexadecimal.DecodeString(hex)
	if err != nil || len(channels) != 3 {
		return color{}, false
	}
	return color{channels[0], channels[1], channels[2]}, true
}

// rgbColor reads what stands behind rgb: "(1, 2, 3)", "a(1 2 3 / 1)".
func rgbColor(args string) (color, bool) {
	args = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(args, "a"), "("), ")")
	parts := strings.FieldsFunc(args, func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if len(parts) == 4 && (parts[3] == "1" || parts[3] == "100%") {
		parts = parts[:3]
	}
	if len(parts) != 3 {
		return color{}, false
	}
	var channels [3]uint8
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return color{}, false
		}
		channels[i] = uint8(n)
	}
	return color{channels[0], channels[1], channels[2]}, true
}

// namedColor returns a color by its name, as far as mails use names.
func namedColor(name string) (color, bool) {
	names := map[string]color{
		"black": {0, 0, 0}, "white": {255, 255, 255}, "whitesmoke": {245, 245, 245},
		"gray": {128, 128, 128}, "grey": {128, 128, 128}, "silver": {192, 192, 192},
		"lightgray": {211, 211, 211}, "lightgrey": {211, 211, 211}, "darkgray": {169, 169, 169}, "darkgrey": {169, 169, 169},
		"dimgray": {105, 105, 105}, "dimgrey": {105, 105, 105},
		"red": {255, 0, 0}, "maroon": {128, 0, 0}, "orange": {255, 165, 0}, "yellow": {255, 255, 0}, "pink": {255, 192, 203},
		"green": {0, 128, 0}, "lime": {0, 255, 0}, "teal": {0, 128, 128}, "aqua": {0, 255, 255}, "cyan": {0, 255, 255},
		"blue": {0, 0, 255}, "navy": {0, 0, 128}, "purple": {128, 0, 128},
	}
	c, ok := names[name]
	return c, ok
}

// contrastOf returns the contrast ratio of two colors, 1 to 21 (WCAG 2.2,
// "contrast ratio").
func contrastOf(a, b color) float64 {
	bright, dark := a.luminance(), b.luminance()
	if bright < dark {
		bright, dark = dark, bright
	}
	return (bright + 0.05) / (dark + 0.05)
}

// luminance is the relative luminance (WCAG 2.2).
func (c color) luminance() float64 {
	linear := func(channel uint8) float64 {
		v := float64(channel) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}
